"""The networks against the original program's own numbers; tests/data/ has the script."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from audiorec.mel import log_mel
from audiorec.models import encode_clips
from audiorec.models.encoders import ready_pretrained
from audiorec.models.encoders.musicnn import MEL
from audiorec.models.encoders.pretrained import load_pretrained
from audiorec.models.pretrained import PRETRAINED

DATA = Path(__file__).parents[3] / "data"
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


def blocks_of(encoder, mel):
    """Blocks of one clip, by name."""
    row = encode_clips(encoder, [mel], device=torch.device("cpu"))[0]
    parts = np.split(row, np.cumsum([*encoder.blocks.values()])[:-1])
    return dict(zip(encoder.blocks, parts, strict=True))


@pytest.mark.parametrize("name", PRETRAINED)
def test_equals_the_original(weights, mels, numbers, name):
    encoder = ready_pretrained(name, device="cpu")
    assert len(mels) == 5
    for clip, mel in mels.items():
        found = blocks_of(encoder, mel)
        tags, penultimate = (numbers[f"{name}/{clip}/{key}"] for key in ("tags", "penultimate"))
        assert len(tags) == mel.shape[1] // 187
        for block, expected in (
            ("tags", tags.mean(axis=0)),
            ("mean", penultimate.mean(axis=0)),
            ("std", penultimate.std(axis=0)),
        ):
            assert found[block].shape == expected.shape
            assert np.abs(found[block] - expected).max() < TOLERANCE
        assert penultimate.std(axis=0).max() > 0.1  # windows differ, so the test can fail


def test_every_window_equals_the_original(weights, mels, numbers):
    network = load_pretrained("musicnn-msd").network
    mel = mels["drums"]
    count = mel.shape[1] // 187
    windows = np.stack(np.split(mel[:, : 187 * count], count, axis=1)).astype(np.float32)
    with torch.inference_mode():
        out = network(torch.from_numpy(windows))
    expected = numbers["musicnn-msd/drums/penultimate"]
    assert np.abs(out.penultimate.numpy() - expected).max() < TOLERANCE
    for key in ("mean_pool", "max_pool"):
        expected = numbers[f"musicnn-msd/drums/{key}"]
        # A loudest place follows single values of the front end, rounded to half precision.
        assert np.abs(getattr(out, key).numpy() - expected).max() < 1e-3 * np.abs(expected).max()


def test_tags_are_what_one_hears(weights, mels):
    encoder = ready_pretrained("musicnn-mtt", device="cpu")

    def first(clip, k=3):
        return [encoder.tags[i] for i in blocks_of(encoder, mels[clip])["tags"].argsort()[::-1][:k]]

    assert "drums" in first("drums")
    assert "quiet" in first("wash")
