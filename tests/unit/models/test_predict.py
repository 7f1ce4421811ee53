"""Windows over a clip, short clips, and predictions that do not depend on the batch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audiorec.exceptions import ParameterError
from audiorec.models.config import ModelConfig
from audiorec.models.networks import build_network
from audiorec.models.predict import InputScale, believed, cut, pick_device, predict, window_starts
from audiorec.workers import available_cpus

N_MELS = 6
SCALE = InputScale(np.full(N_MELS, -40, "f4"), np.full(N_MELS, 9, "f4"))


@given(n_frames=st.integers(1, 3000), window=st.integers(1, 700))
def test_windows_cover_the_clip_and_nothing_else(n_frames, window):
    starts = window_starts(n_frames, window=window)
    assert starts[0] == 0
    covered = {f for s in starts for f in range(s, min(s + window, n_frames))}
    assert covered == set(range(n_frames))
    assert n_frames <= window or starts[-1] + window == n_frames
    assert len(starts) == max(1, -(-n_frames // window))


def test_a_short_clip_is_repeated():
    mel = np.arange(6, dtype="f2").reshape(2, 3)
    np.testing.assert_array_equal(cut(mel, 0, window=7)[0], [0, 1, 2, 0, 1, 2, 0])
    np.testing.assert_array_equal(cut(mel, 2, window=4)[1], [5, 3, 4, 5])
    np.testing.assert_array_equal(cut(mel, 1, window=2)[0], [1, 2])


def clips(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(-40, 9, size=(N_MELS, n)).astype("f2") for n in lengths]


def ask(tracks, batch_size, norm="raw"):
    torch.manual_seed(0)
    network = build_network(
        ModelConfig(architecture="small1d", channels=8, hidden=8), n_mels=N_MELS, n_outputs=4
    )
    found = predict(
        network,
        iter(tracks),
        scale=SCALE,
        window=20,
        norm=norm,
        batch_size=batch_size,
        device=torch.device("cpu"),
    )
    return dict(found)


@pytest.mark.parametrize("norm", ["unit", "raw"])
def test_one_and_many_agree(norm):
    tracks = [("a", clips(64)), ("b", clips(9)), ("c", clips(20, 33, seed=2)), ("d", clips(70))]
    together = ask(tracks, 64, norm)
    assert list(together) == ["a", "b", "c", "d"]
    for batch_size in (1, 3, 4):
        apart = ask(tracks, batch_size, norm)
        for track_id, vector in together.items():
            np.testing.assert_allclose(apart[track_id], vector, atol=2e-6)
    for track_id, mels in tracks:
        np.testing.assert_allclose(
            ask([(track_id, mels)], 64, norm)[track_id], together[track_id], atol=2e-6
        )
    lengths = [np.linalg.norm(v) for v in together.values()]
    assert (np.allclose(lengths, 1)) == (norm == "unit")


def test_a_tracks_vector_is_the_mean_over_its_windows():
    mel = clips(60)[0]
    parts = [ask([("x", [mel[:, s : s + 20]])], 8)["x"] for s in (0, 20, 40)]
    np.testing.assert_allclose(ask([("x", [mel])], 8)["x"], np.mean(parts, axis=0), atol=1e-6)


def test_every_clip_of_a_track_is_heard():
    first, second = clips(60, 40)
    parts = [mel[:, s : s + 20] for mel in (first, second) for s in range(0, mel.shape[1], 20)]
    each = [ask([("x", [part])], 8)["x"] for part in parts]
    assert len(each) == 5
    together = ask([("x", [first, second])], 8)["x"]
    np.testing.assert_allclose(together, np.mean(each, axis=0), atol=1e-6)
    assert not np.allclose(together, ask([("x", [first])], 8)["x"], atol=1e-3)


def test_tracks_are_taken_as_they_are_needed():
    taken = []
    ahead = available_cpus() + 1  # batches, of two tracks each

    def tracks():
        for n in range(10 * ahead):
            taken.append(n)
            yield str(n), clips(40)

    network = build_network(
        ModelConfig(architecture="small1d", channels=8, hidden=8), n_mels=N_MELS, n_outputs=4
    )
    found = predict(
        network,
        tracks(),
        scale=SCALE,
        window=20,
        norm="raw",
        batch_size=4,
        device=torch.device("cpu"),
    )
    next(found)
    assert len(taken) <= 2 * ahead


def test_a_device_that_is_not_there():
    missing = next(
        name
        for name, there in [
            ("cuda", torch.cuda.is_available()),
            ("mps", torch.backends.mps.is_available()),
        ]
        if not there
    )
    with pytest.raises(ParameterError, match=f"device='{missing}' is not on this machine"):
        pick_device(missing)
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in {"cpu", "cuda", "mps"}


def test_what_all_have_in_common_is_set_alike_and_the_rest_is_left():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 5)).astype(np.float32)
    common = np.array([3.0, 0, 4, 0, 0], dtype=np.float32)
    found = believed(vectors, shrinkage=None, common=common)
    across = np.eye(5) - np.outer(common, common) / 25
    np.testing.assert_allclose(found @ common / 5, 5, rtol=1e-5)
    np.testing.assert_allclose(found @ across, vectors @ across, atol=1e-5)
    listener = rng.normal(size=5)
    expected = (vectors @ across) @ listener  # which ranks as it did, but for the common part
    np.testing.assert_allclose(found @ listener - common @ listener, expected, atol=1e-5)
    assert believed(vectors, shrinkage=None, common=None) is vectors


@pytest.mark.parametrize("common", [None, np.array([3.0, 0, 4, 0, 0], dtype=np.float32)])
def test_a_prediction_is_believed_alike_whatever_stands_beside_it(common):
    rng = np.random.default_rng(0)
    vectors, root = rng.normal(size=(2000, 5)), rng.normal(size=(5, 5))
    vectors, shrinkage = vectors.astype(np.float32), (root @ root.T).astype(np.float32)
    found = believed(vectors, shrinkage=shrinkage, common=common)
    after = believed(vectors @ shrinkage, shrinkage=None, common=common)
    np.testing.assert_allclose(found, after, rtol=1e-4, atol=1e-4)
    assert found.dtype == np.float32
    for part in (slice(0, 1), slice(3, 10), slice(1999, 2000)):
        alone = believed(vectors[part], shrinkage=shrinkage, common=common)
        assert np.array_equal(alone, found[part])
