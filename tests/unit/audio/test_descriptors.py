"""Descriptors of sounds whose tempo, key and level are known."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.audio.descriptors import describe, in_octave
from audiorec.data.descriptors import KEYS, key_name

SR = 22050


def triad(root_midi: int, intervals: tuple[int, ...], seconds: float) -> np.ndarray:
    """A chord of a few harmonics."""
    t = np.arange(int(SR * seconds)) / SR
    notes = [440 * 2 ** ((root_midi + interval - 69) / 12) for interval in intervals]
    return sum(np.sin(2 * np.pi * f * h * t) / h for f in notes for h in (1, 2, 3))


def song(bpm: float, *, root: int = 57, minor: bool = False, seconds: float = 12.0) -> np.ndarray:
    """Chords I, IV, V, I, one a beat with a sharp attack."""
    third = 3 if minor else 4
    beat = 60 / bpm
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
    parts = []
    for n in range(int(seconds / beat)):
        y = triad(root, chords[n % 4], beat)
        parts.append(y * np.exp(-6 * np.arange(len(y)) / len(y)))
    y = np.concatenate(parts)
    return (0.3 * y / np.abs(y).max()).astype(np.float32)


@pytest.mark.parametrize("bpm", [80.0, 120.0])
def test_tempo_up_to_an_octave(bpm):
    tempo = describe(song(bpm), sr=SR)[0]
    assert min(abs(tempo * factor / bpm - 1) for factor in (0.5, 1, 2)) < 0.04


@pytest.mark.parametrize(("root", "minor", "key"), [(57, False, "A"), (60, True, "Cm")])
def test_key(root, minor, key):
    assert key_name(describe(song(100, root=root, minor=minor), sr=SR)[1]) == key


def test_level_and_brightness_move_as_they_should():
    y = song(100)
    loud, quiet = describe(y, sr=SR), describe(0.5 * y, sr=SR)
    assert loud[2] - quiet[2] == pytest.approx(20 * np.log10(2), abs=0.05)
    hiss = np.random.default_rng(0).standard_normal(len(y)).astype(np.float32)
    assert describe(0.1 * hiss, sr=SR)[3] > 2 * loud[3]


def test_silence_has_none():
    values = describe(np.zeros(5 * SR, np.float32), sr=SR)
    assert np.isnan(values[1:4]).all() and len(KEYS) == 24
    assert in_octave(30) == 60 and in_octave(240) == 120 and np.isnan(in_octave(0))


def test_every_track_is_measured_once(tmp_path):
    import soundfile

    from audiorec.data.catalog import Catalog, Track
    from audiorec.data.descriptors import load_descriptors
    from audiorec.scan.descriptors import describe_catalog
    from audiorec.workspace import Workspace

    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    soundfile.write(tmp_path / "a.wav", song(120, seconds=5), SR)
    tracks = [
        Track("a", str(tmp_path / "a.wav"), clip_hash="1"),
        Track("gone", str(tmp_path / "gone.wav"), clip_hash="2"),
    ]
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(tracks)
    assert describe_catalog(workspace, n_jobs=1) == (1, 0, 1)
    assert load_descriptors(workspace.descriptors).of("a")["key"] == "A"
    assert load_descriptors(workspace.descriptors).of("gone") is None
    with Catalog(workspace.catalog) as catalog:
        catalog.mark_missing(["gone"])
    assert describe_catalog(workspace, n_jobs=1) == (0, 1, 0)
