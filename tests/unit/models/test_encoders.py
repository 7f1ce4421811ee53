"""Every encoder: one row of features per crop, of the width that it says."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from audiorec.audio import MelConfig
from audiorec.exceptions import ParameterError
from audiorec.models import TRAINED_ENCODERS, MlpHead, ModelConfig
from audiorec.models.encoders import build_encoder, check_front_end
from audiorec.models.encoders.base import GlobalPooling
from audiorec.models.encoders.musicnn import MEL as MUSICNN
from audiorec.models.encoders.pretrained import empty_pretrained
from audiorec.models.encoders.spectrogram_statistics import SpectrogramStatistics, modulation_bins

MEL = MelConfig(n_mels=16)
PRETRAINED = ("musicnn-msd", "vgg-mtt")


def build(name, **settings):
    torch.manual_seed(0)
    return build_encoder(ModelConfig(encoder=name, channels=8, **settings), mel=MEL).eval()


@pytest.mark.parametrize("name", [*TRAINED_ENCODERS, "spectrogram-statistics"])
@pytest.mark.parametrize("n_frames", [16, 65, 200])
def test_a_row_per_crop_and_one_and_many_agree(name, n_frames):
    encoder = build(name)
    mel = torch.randn(3, 16, n_frames) * 10 - 40
    with torch.inference_mode():
        features = encoder(mel)
        alone = torch.cat([encoder(mel[i : i + 1]) for i in range(3)])
    assert features.shape == (3, sum(encoder.blocks.values()))
    assert torch.isfinite(features).all()
    assert features.std(dim=0).max() > 0
    torch.testing.assert_close(features, alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", TRAINED_ENCODERS)
def test_what_is_called_a_network_has_convolutions_that_learn(name):
    convolutions = [m for m in build(name).modules() if isinstance(m, nn.Conv1d | nn.Conv2d)]
    assert len(convolutions) >= 2
    assert all(c.weight.requires_grad for c in convolutions)


def test_spectrogram_statistics_have_nothing_to_learn_and_nothing_to_keep():
    encoder = build("spectrogram-statistics")
    assert list(encoder.parameters()) == []
    assert encoder.state_dict() == {}


def test_a_row_of_the_cnn_begins_with_the_statistics_of_its_input():
    mel = torch.randn(2, 16, 50)
    features = build("cnn")(mel)
    torch.testing.assert_close(features[:, :16], mel.mean(2))
    torch.testing.assert_close(features[:, 16:32], mel.std(2, correction=0), rtol=1e-3, atol=1e-3)


def test_global_pooling_by_hand():
    x = torch.tensor([[[3.0, -4.0], [1.0, 1.0]]])
    expected = torch.tensor([[-0.5, 1.0, 3.0, 1.0, 12.5**0.5, 1.0]])
    torch.testing.assert_close(GlobalPooling()(x), expected)


@pytest.mark.parametrize("name", PRETRAINED)
def test_a_clip_is_pooled_over_windows_that_do_not_see_each_other(name):
    torch.manual_seed(0)
    encoder = empty_pretrained(name).eval()
    mel = torch.rand(2, 96, 2 * 187 + 50) * 4
    with torch.inference_mode():
        found = encoder(mel)
        windows = [encoder.network(mel[:, :, at : at + 187]) for at in (0, 187)]
    parts = dict(zip(encoder.blocks, found.split(list(encoder.blocks.values()), 1), strict=True))
    units = torch.stack([w.penultimate for w in windows])
    logits = torch.stack([w.logits for w in windows])
    expected = {
        "mean": units.mean(0),
        "std": units.std(0, correction=0),
        "logits": logits.mean(0),
        "tags": logits.sigmoid().mean(0),
        "maps": torch.stack([w.mean_pool for w in windows]).mean(0),
    }
    assert parts.keys() == expected.keys()
    for block, values in expected.items():
        torch.testing.assert_close(parts[block], values, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "n_layers"), [("musicnn", 5), ("vgg-msd", 5)])
def test_the_last_layers_are_trained_and_no_others(name, n_layers):
    encoder = empty_pretrained(name)
    trained = []
    for n in range(n_layers + 2):
        encoder.unfreeze(n)
        trained.append({k for k, p in encoder.named_parameters() if p.requires_grad})
    assert trained[0] == set()
    for fewer, more in pairwise(trained[: n_layers + 1]):
        assert fewer < more
    assert trained[-1] == trained[-2]  # more than there are is all of them
    assert not any("norm" in name for name in trained[-1])


def test_spectrograms_of_other_settings_are_refused():
    encoder = empty_pretrained("musicnn")
    check_front_end(encoder, MUSICNN.model_copy(update={"clip_seconds": 10.0}))
    check_front_end(build("spectrogram-statistics"), MelConfig())
    with pytest.raises(ParameterError, match="sr=22050 and musicnn-msd takes sr=16000; set sr"):
        check_front_end(encoder, MelConfig())


def test_spectrogram_statistics_do_not_follow_the_place_of_a_pulse_but_its_rate():
    encoder = SpectrogramStatistics(MEL)
    time = torch.arange(400.0)

    def features(rate, shift=0.0):
        pulse = 10 * torch.sin(2 * torch.pi * rate * (time + shift))
        return encoder((-40 + pulse).repeat(1, 16, 1))

    same = (features(0.05) - features(0.05, shift=7.0)).abs().max()
    other = (features(0.05) - features(0.1)).abs().max()
    assert same < 0.2 * other


def test_every_modulation_bin_is_a_mean():
    for n_fft in (512, 1024):
        np.testing.assert_allclose(modulation_bins(n_fft).sum(0), 1, rtol=1e-5)


def test_an_mlp_has_as_many_hidden_layers_as_it_says():
    for n_layers in (1, 2):
        head = MlpHead(7, 3, hidden=5, n_layers=n_layers, dropout=0.5)
        assert sum(isinstance(m, nn.Linear) for m in head.modules()) == n_layers + 1
        assert head.eval()(torch.randn(4, 7)).shape == (4, 3)
