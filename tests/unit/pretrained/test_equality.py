"""The networks against the original program's own numbers; tests/data/ has the script."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from audiorec.audio.config import MelConfig
from audiorec.exceptions import ParameterError
from audiorec.mel import log_mel
from audiorec.models.encoder import check_front_end
from audiorec.models.musicnn import MEL
from audiorec.pretrained import PRETRAINED, load

DATA = Path(__file__).parents[2] / "data"
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def mels():
    spec = importlib.util.spec_from_file_location("reference", DATA / "make_musicnn_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: log_mel(y, config=MEL) for name, y in module.clips().items()}


@pytest.fixture(scope="module")
def numbers():
    return np.load(DATA / "musicnn_reference.npz")


@pytest.mark.parametrize("name", PRETRAINED)
def test_equals_the_original(weights, mels, numbers, name):
    encoder = load(name, device="cpu")
    assert len(mels) == 5
    for clip, mel in mels.items():
        heard = encoder.hear(mel)
        tags, penultimate = (numbers[f"{name}/{clip}/{key}"] for key in ("tags", "penultimate"))
        assert heard.tags.shape == tags.shape == (mel.shape[1] // 187, len(encoder.tags))
        assert np.abs(heard.tags - tags).max() < TOLERANCE
        assert heard.penultimate.shape == penultimate.shape == (len(tags), encoder.d)
        assert np.abs(heard.penultimate - penultimate).max() < TOLERANCE
        assert penultimate.std(axis=0).max() > 0.1  # windows differ, so the test can fail


def test_pools_equal_the_original(weights, mels, numbers):
    encoder = load("musicnn-msd", device="cpu")
    for clip, mel in mels.items():
        heard = encoder.hear(mel)
        for key in ("mean_pool", "max_pool"):
            expected = numbers[f"musicnn-msd/{clip}/{key}"]
            # A loudest place follows single values of the front end, rounded to half precision.
            assert np.abs(getattr(heard, key) - expected).max() < 1e-3 * np.abs(expected).max()


def test_tags_are_what_one_hears(weights, mels):
    encoder = load("musicnn-mtt", device="cpu")

    def first(clip, k=3):
        return [
            encoder.tags[i] for i in encoder.hear(mels[clip]).tags.mean(0).argsort()[: -k - 1 : -1]
        ]

    assert "drums" in first("drums")
    assert "quiet" in first("wash")


def test_all_at_once_and_one_by_one_agree(weights, mels):
    encoder = load(device="cpu")
    threads = torch.get_num_threads()
    together = list(encoder.hear_all(iter(mels.values()), n_jobs=2))
    assert torch.get_num_threads() == threads
    for mel, heard in zip(mels.values(), together, strict=True):
        alone = encoder.hear(mel)
        assert all((a == b).all() for a, b in zip(alone, heard, strict=True))
    with pytest.raises(ParameterError, match="shorter"):
        list(encoder.hear_all([np.zeros((96, 10), np.float32)]))


def test_windows_do_not_hear_each_other(weights, mels):
    encoder = load(device="cpu")
    mel = mels["drums"]
    assert encoder.name == "musicnn-msd"
    alone = np.concatenate([encoder.embed(mel[:, at : at + 187]) for at in (0, 187, 374)])
    assert np.allclose(encoder.embed(mel), alone, atol=1e-4)


@pytest.mark.parametrize(
    "mel, match",
    [
        (np.zeros((96, 186), np.float32), "186 frames is shorter than the 187 .* at least 3.0 s"),
        (np.zeros((128, 400), np.float32), r"shape \(128, 400\) and musicnn-msd needs \(96"),
        (np.full((96, 400), np.nan, np.float32), "NaN or infinity"),
    ],
)
def test_clips_that_cannot_be_heard(weights, mel, match):
    with pytest.raises(ParameterError, match=match):
        load(device="cpu").hear(mel)


def test_mels_of_other_settings(weights):
    encoder = load(device="cpu")
    check_front_end(encoder, MEL.model_copy(update={"clip_seconds": 10.0}))
    with pytest.raises(ParameterError, match="sr=22050 and musicnn-msd hears sr=16000; set sr"):
        check_front_end(encoder, MelConfig())
