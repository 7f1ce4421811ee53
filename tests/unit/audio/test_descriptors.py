"""Descriptors of sounds whose tempo, key and level are known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from audiorec.audio.descriptors import (
    describe_file,
    key_of,
    measure_descriptors,
    pitch_classes,
    tempo_of,
)
from audiorec.data.catalog.descriptors import KEYS, key_name

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


@pytest.mark.parametrize("bpm", [63.0, 91.3, 120.0, 147.7, 181.0])
def test_tempo_between_the_frames(bpm):
    rate = SR / 512  # at 181 beats a minute a frame more or less is 7 % of a beat
    times = np.arange(0, 30, 60 / bpm)
    frames = np.arange(int(30 * rate)) / rate
    onsets = np.exp(-0.5 * ((frames[:, None] - times) / 0.02) ** 2).sum(axis=1)
    tempo, _ = tempo_of(onsets, frame_rate=rate)
    assert min(abs(tempo * factor / bpm - 1) for factor in (0.5, 1, 2)) < 0.01


def test_a_tempo_that_may_as_well_be_its_double_is_less_clear():
    rate = SR / 512
    frames = np.arange(int(30 * rate)) / rate

    def clarity(bpm, loudness):
        times = np.arange(0, 30, 30 / bpm)  # twice a beat, the second of each so loud
        levels = np.where(np.arange(len(times)) % 2, loudness, 1.0)
        onsets = np.exp(-0.5 * ((frames[:, None] - times) / 0.02) ** 2) @ levels
        return tempo_of(onsets, frame_rate=rate)[1]

    assert clarity(90, 0.0) > clarity(90, 0.5) > clarity(90, 1.0) >= -0.05


def test_peaks_count_for_their_semitone():
    t = np.arange(SR) / SR
    for midi in (45, 60, 71):
        y = np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * t)
        spectrum = np.abs(np.fft.rfft(y[:8192] * np.hanning(8192)))
        strength = pitch_classes(spectrum, sr=SR)
        assert strength.argmax() == midi % 12 and strength.max() > 0.9 * strength.sum()
    assert not pitch_classes(np.zeros(2049), sr=SR).any()


@pytest.mark.parametrize("bpm", [80.0, 120.0])
def test_tempo_up_to_an_octave(bpm):
    tempo = measure_descriptors(song(bpm), sr=SR)[0]
    assert min(abs(tempo * factor / bpm - 1) for factor in (0.5, 1, 2)) < 0.04


@pytest.mark.parametrize(("root", "minor", "key"), [(57, False, "A"), (60, True, "Cm")])
def test_key(root, minor, key):
    assert key_name(measure_descriptors(song(100, root=root, minor=minor), sr=SR)[1]) == key


def test_level_and_brightness_move_as_they_should():
    y = song(100)
    loud, quiet = measure_descriptors(y, sr=SR), measure_descriptors(0.5 * y, sr=SR)
    assert loud[2] - quiet[2] == pytest.approx(20 * np.log10(2), abs=0.05)
    hiss = np.random.default_rng(0).standard_normal(len(y)).astype(np.float32)
    assert measure_descriptors(0.1 * hiss, sr=SR)[3] > 2 * loud[3]


def test_silence_has_none():
    values = measure_descriptors(np.zeros(5 * SR, np.float32), sr=SR)
    assert np.isnan(values[1:4]).all() and len(KEYS) == 24
    assert np.isnan(values[0]) and np.isnan(key_of(np.ones(12)))


def test_every_track_is_measured_once(tmp_path):
    import soundfile

    from audiorec.data.catalog.catalog import Catalog, Track
    from audiorec.data.catalog.descriptors import load_descriptors
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


def test_a_scan_measures_in_its_own_pass_and_add_goes_on(tmp_path):
    import soundfile

    from audiorec import artifacts
    from audiorec.data.catalog.catalog import Catalog
    from audiorec.data.catalog.descriptors import KIND, load_descriptors, save_descriptors
    from audiorec.pipeline import Pipeline
    from audiorec.scan import scan
    from audiorec.scan.descriptors import describe_catalog, take_scanned
    from audiorec.workspace import Workspace

    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    music = tmp_path / "music"
    music.mkdir()

    def scanned(*, descriptors=False):
        with Catalog(workspace.catalog) as catalog:
            also = Pipeline(workspace).scan_also(descriptors=descriptors)
            report = scan(catalog, [music], n_jobs=1, also=also)
            take_scanned(workspace, catalog)
        return report

    for n, bpm in enumerate((100, 120)):
        soundfile.write(music / f"{n}.wav", song(bpm, root=57 + n, seconds=5), 44100)
    (workspace.root / ".measured").mkdir()
    (workspace.root / ".measured" / "torn").write_bytes(b"123")  # of a scan that was killed
    scanned(descriptors=True)
    by_scan = load_descriptors(workspace.descriptors)
    assert len(by_scan) == 2 and not (workspace.root / ".measured").exists()
    soundfile.write(music / "2.wav", song(90, root=50, seconds=5), 44100)
    scanned()  # where there are some, new files are measured without asking
    assert len(load_descriptors(workspace.descriptors)) == 3
    assert describe_catalog(workspace, n_jobs=1) == (0, 3, 0)
    table = load_descriptors(workspace.descriptors).table
    save_descriptors(workspace.descriptors, {})
    assert describe_catalog(workspace, n_jobs=1) == (3, 0, 0)
    np.testing.assert_array_equal(load_descriptors(workspace.descriptors).table, table)
    # What was measured in another way is measured again.
    manifest = artifacts.load_manifest(workspace.descriptors, kind=KIND)
    artifacts.commit(
        workspace.descriptors, kind=KIND, files=manifest.files, config={}, inputs={}, extra={}
    )
    assert describe_catalog(workspace, n_jobs=1) == (3, 0, 0)


def test_a_scan_that_is_not_asked_measures_nothing(tmp_path):
    from audiorec.pipeline import Pipeline
    from audiorec.workspace import Workspace

    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    also = Pipeline(workspace).scan_also()
    assert [work.__self__.__class__.__name__ for work in also.args[0]] == ["ScannedMels"]


def test_a_scan_measures_what_the_file_itself_gives(tmp_path):
    """The clip that a scan decodes and the one that is decoded anew are one."""
    import soundfile

    from audiorec.audio import decode_clips
    from audiorec.audio.identity_clip import IDENTITY
    from audiorec.scan.descriptors import ScannedDescriptors
    from audiorec.scan.read_file import do_all, read_file

    file = tmp_path / "a.wav"
    soundfile.write(file, song(120, seconds=40), SR)
    scanned, seen = ScannedDescriptors(tmp_path / "measured"), []
    work = partial(do_all, (scanned.store, lambda decoded, identity: seen.append(identity)))
    read = read_file(str(file), also=work)
    assert seen == [read["clip_hash"]]
    found = scanned.load(read["clip_hash"])
    np.testing.assert_allclose(found, describe_file(file), rtol=1e-3, atol=1e-3)
    assert scanned.load("another") is None
    scanned.store(decode_clips(file, config=IDENTITY), "again")
    np.testing.assert_array_equal(scanned.load("again"), found)
    scanned.clear()
    assert not (tmp_path / "measured").exists()


def test_what_was_measured_before_an_interrupt_is_kept(tmp_path, monkeypatch):
    import soundfile

    from audiorec.data.catalog.catalog import Catalog, Track
    from audiorec.data.catalog.descriptors import load_descriptors
    from audiorec.scan import descriptors
    from audiorec.workspace import Workspace

    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        for name in "abc":
            soundfile.write(tmp_path / f"{name}.wav", song(120, seconds=4), SR)
            catalog.upsert(Track(name, str(tmp_path / f"{name}.wav"), clip_hash=name))
    monkeypatch.setattr(descriptors, "SAVE_EVERY", 2)

    def interrupted(stage, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        descriptors.describe_catalog(workspace, n_jobs=1, progress=interrupted)
    assert load_descriptors(workspace.descriptors).ids.tolist() == ["a", "b"]
