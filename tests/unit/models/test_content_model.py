"""From clips to vectors: crops, means, and the ways that must agree."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.inference import check_mels, embed, embed_store
from audiorec.models import (
    compute_features,
    crop_mel,
    crops_of,
    linear_head,
    standardizing_head,
    track_vector,
)
from audiorec.models.content_model import select

from .conftest import MEL, make_clips, make_model


class Store:
    """What prediction uses of a mel store, in memory."""

    fingerprint = "fake"

    def __init__(self, config=MEL, **clips):
        self.config, self.clips, self.ids = config, clips, tuple(sorted(clips))

    def mels(self, track_id):
        return self.clips[track_id]

    def clip_hash(self, track_id):
        return f"hash of {track_id}"


@settings(deadline=None)
@given(n_frames=st.integers(1, 60), crop=st.integers(1, 20))
def test_crops_are_the_fewest_that_cover_the_clip(n_frames, crop):
    clip = np.arange(n_frames)[None] + np.zeros((2, 1))
    crops = crops_of(clip, crop=crop)
    assert crops.shape == (max(1, -(-n_frames // crop)), 2, crop)
    assert set(crops[:, 0].ravel()) == set(range(n_frames))
    starts = crops[:, 0, 0]
    assert (np.diff(starts) >= 0).all()
    assert n_frames < crop or starts[-1] == n_frames - crop


def test_a_whole_clip_is_repeated_only_where_it_is_too_short():
    clip = make_clips(10)[0]
    np.testing.assert_array_equal(crops_of(clip, crop=None)[0], clip)
    long = crops_of(clip, crop=None, min_frames=16)[0]
    np.testing.assert_array_equal(long, np.concatenate([clip, clip[:, :6]], axis=1))
    np.testing.assert_array_equal(crop_mel(clip, 3, n_frames=4), clip[:, 3:7])
    row = np.arange(5.0)
    np.testing.assert_array_equal(crops_of(row, crop=None), row[None])


@pytest.mark.parametrize("norm", ["unit", "raw"])
def test_a_vector_is_the_mean_over_crops_of_all_clips(norm):
    model = make_model()
    clips = make_clips(60, 45, 10)
    crops = np.concatenate([crops_of(clip, crop=model.crop) for clip in clips])
    assert model.crop == 30
    assert len(crops) == 5
    with torch.inference_mode():
        expected = model.network(torch.tensor(crops)).mean(0).numpy()
    if norm == "unit":
        expected /= np.linalg.norm(expected)
    cpu = torch.device("cpu")
    found = track_vector(model.network, clips, crop=model.crop, norm=norm, device=cpu)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


KINDS = [
    {"encoder": "cnn"},
    {"encoder": "spectrogram-statistics"},
    {"encoder": "spectrogram-statistics", "head": "mlp"},
    {"encoder": "musicnn", "finetune": 2},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_one_and_many_agree_bit_for_bit(kind):
    model = make_model(**kind)
    n_mels = model.mel.n_mels
    tracks = {f"t{n}": make_clips(40 + 7 * n, 20, n_mels=n_mels, seed=n) for n in range(6)}
    together = embed(model, tracks.items(), device="cpu")
    assert together.ids == tuple(tracks)
    for track_id, clips in tracks.items():
        alone = embed(model, [(track_id, clips)], device="cpu")
        np.testing.assert_array_equal(alone[track_id], together[track_id])


def test_features_and_spectrograms_give_the_same_vectors():
    model = make_model("spectrogram-statistics")
    clips = {f"t{n}": make_clips(40, 25, seed=n) for n in range(4)}
    store = Store(**clips)
    features = compute_features(store, encoder="spectrogram-statistics")
    by_rows = embed_store(model, store, features=features)
    by_mels = embed_store(make_model("spectrogram-statistics"), store)
    # Of a linear head; the input statistics are of spectrograms and not asked of rows.
    assert by_rows.ids == by_mels.ids == store.ids
    plain = make_model("spectrogram-statistics")
    plain.network.mean.zero_()
    plain.network.std.fill_(1)
    np.testing.assert_allclose(
        by_rows.vectors, embed_store(plain, store).vectors, rtol=1e-3, atol=1e-4
    )


def test_input_statistics_are_taken_off_each_band():
    model = make_model()
    mel = torch.randn(2, 16, 30)
    found = model.network.standardize(mel)
    expected = (mel.numpy() - np.linspace(-60, -20, 16)[:, None]) / np.linspace(5, 9, 16)[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_selected_blocks_stand_beside_each_other():
    rows = torch.arange(12.0).reshape(2, 6)
    widths = {"a": 1, "b": 2, "c": 3}
    assert select(rows, widths, None) is rows
    torch.testing.assert_close(select(rows, widths, ["c", "a"]), rows[:, [3, 4, 5, 0]])


@pytest.mark.parametrize(
    ("clips", "match"),
    [
        ([], "track 'x' has no clip"),
        ([np.zeros((9, 30), "f2")], r"mel of 'x' has shape \(9, 30\) and the model needs \(16"),
        ([np.zeros((16, 0), "f2")], "shape"),
        ([np.full((16, 30), np.nan, "f2")], "mel of 'x' holds NaN or infinity"),
    ],
)
def test_clips_that_are_none(clips, match):
    with pytest.raises(ParameterError, match=match):
        embed(make_model(), [("x", clips)], device="cpu")


def test_spectrograms_of_other_settings_are_refused():
    model = make_model()
    check_mels(model, MEL)
    with pytest.raises(ArtifactError, match="n_mels"):
        check_mels(model, MEL.model_copy(update={"n_mels": 20}))


def test_nothing_to_embed():
    assert embed(make_model(), [], device="cpu").vectors.shape == (0, 5)


def given_by(head, features):
    return head(torch.tensor(features, dtype=torch.float32)).detach().numpy()


def test_a_content_space_counts_deviations_from_the_librarys_mean():
    rng = np.random.default_rng(0)
    features = rng.normal([50, -3, 7], [1, 20, 0], size=(200, 3))
    space = given_by(standardizing_head(features), features)
    np.testing.assert_allclose(space.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(space.std(axis=0), [1, 1, 0], atol=1e-3)
    with pytest.raises(ParameterError, match="needs two tracks and there are 1"):
        standardizing_head(features[:1])


def test_a_linear_head_is_the_regression_that_it_was_made_of():
    rng = np.random.default_rng(0)
    weights, intercept, x = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(5, 4))
    head = linear_head(weights, intercept)
    np.testing.assert_allclose(given_by(head, x), x @ weights + intercept, rtol=1e-4, atol=1e-5)
