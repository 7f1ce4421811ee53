"""Spectrograms that a scan makes are those that the stage would compute."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from audiorec.artifacts import load_manifest
from audiorec.audio import IDENTITY_CLIP, MelConfig
from audiorec.data.catalog import Catalog
from audiorec.mel import MelJob, ScannedMels, compute_mels
from audiorec.mel.compute import compute_track
from audiorec.scan import scan
from audiorec.scan.read_file import read_file


@pytest.fixture(scope="module")
def music(tmp_path_factory, tune, write_audio):
    """Files of several formats and rates, one of them shorter than a clip."""
    folder = tmp_path_factory.mktemp("music")
    write_audio(folder / "a.mp3", tune(33, seed=1))
    write_audio(folder / "b.flac", tune(31, sr=22050, channels=1, seed=2), sr=22050)
    write_audio(folder / "c.wav", tune(5, sr=8000, channels=1, seed=3), sr=8000)
    return folder


@pytest.fixture
def scanned(tmp_path):
    return ScannedMels.if_same_clip(tmp_path / "scanned", MelConfig(), decoded=IDENTITY_CLIP)


def no_workers(*arguments, **options):
    raise AssertionError("worker processes were started")


def test_what_a_scan_made_is_what_the_stage_computes(music, scanned):
    for file in sorted(music.iterdir()):
        job = MelJob("t", str(file), read_file(str(file), also=scanned.store)["clip_hash"])
        decoded = compute_track(job, config=scanned.config)
        stored = scanned.load(job.clip_hash)
        np.testing.assert_array_equal(stored.mels, decoded.mels)
        np.testing.assert_array_equal(stored.fingerprint, decoded.fingerprint)
        assert stored.starts == decoded.starts


def test_damaged_ones_are_not_loaded(music, scanned):
    clip_hash = read_file(str(music / "a.mp3"), also=scanned.store)["clip_hash"]
    (stored,) = (path for path in scanned.directory.rglob("*") if path.is_file())
    data = stored.read_bytes()
    for harmed in (data[:-1], data[:1000] + bytes([data[1000] ^ 1]) + data[1001:], b""):
        stored.write_bytes(harmed)
        assert clip_hash in scanned
        assert scanned.load(clip_hash) is None
    assert "another" not in scanned
    assert scanned.load("another") is None


def scanned_catalog(path, folder, scanned):
    catalog = Catalog(path)
    scan(catalog, [folder], n_jobs=1, also=scanned.store)
    return catalog


def test_no_worker_is_started_where_a_scan_has_made_all(music, scanned, tmp_path, monkeypatch):
    folder = tmp_path / "music"
    shutil.copytree(music, folder)
    shutil.copyfile(folder / "a.mp3", folder / "copy.mp3")  # has the same spectrogram
    monkeypatch.setattr("audiorec.mel.compute.SHARD_TRACKS", 1)
    with scanned_catalog(tmp_path / "c.sqlite", folder, scanned) as catalog:
        monkeypatch.setattr("audiorec.worker_pool.Pool", no_workers)
        report = compute_mels(tmp_path / "mels", catalog, config=MelConfig(), scanned=scanned)
    assert (report.computed, report.failed) == (4, 0)


def test_what_is_missing_or_damaged_is_computed_and_what_is_gone_is_told(music, tmp_path, scanned):
    folder = tmp_path / "music"
    shutil.copytree(music, folder)
    with scanned_catalog(tmp_path / "c.sqlite", folder, scanned) as catalog:
        tracks = {Path(track.path).name: track for track in catalog.tracks()}
        scanned.remove([tracks["b.flac"].clip_hash])
        scanned._file(tracks["c.wav"].clip_hash).write_bytes(b"")
        (folder / "a.mp3").unlink()
        report = compute_mels(
            tmp_path / "mels", catalog, config=MelConfig(), n_jobs=1, scanned=scanned
        )
        assert (report.computed, report.failed) == (2, 1)
        (failure,) = catalog.failures()
    assert "a.mp3 cannot be opened: no such file" in failure.reason


def test_no_room_costs_the_scan_nothing(music, tmp_path):
    (tmp_path / "full").write_bytes(b"")
    blocked = ScannedMels(tmp_path / "full", MelConfig())
    heard = read_file(str(music / "b.flac"), also=blocked.store)
    assert heard == read_file(str(music / "b.flac"))


@pytest.mark.parametrize("other", [{"n_clips": 3}, {"clip_seconds": 10.0}])
def test_other_clips_are_not_those_that_a_scan_decodes(tmp_path, other):
    assert ScannedMels.if_same_clip(tmp_path, MelConfig(**other), decoded=IDENTITY_CLIP) is None
    assert (
        ScannedMels.if_same_clip(tmp_path, MelConfig(n_mels=40), decoded=IDENTITY_CLIP) is not None
    )


def test_a_scan_and_the_stage_end_in_the_same_bytes(music, scanned, tmp_path):
    prints = []
    for number, given in enumerate((scanned, None)):
        with Catalog(tmp_path / f"{number}.sqlite") as catalog:
            assert scan(catalog, [music], n_jobs=1, also=given and given.store).added == 3
            assert scanned.directory.exists() == (given is not None)
            mels = tmp_path / f"mels{number}"
            report = compute_mels(mels, catalog, config=MelConfig(), n_jobs=1, scanned=given)
            assert report.computed == 3
            assert not scanned.directory.exists()
            files = load_manifest(mels, kind="mels").files
            prints.append({name: entry for name, entry in files.items() if "shard" in name})
    assert prints[0] == prints[1]


def test_clearing_keeps_what_is_somebody_elses(tmp_path):
    scanned = ScannedMels(tmp_path / ".ahead", MelConfig())
    (tmp_path / ".ahead" / "0123456789abcdef0123456789abcdef").mkdir(parents=True)
    (tmp_path / ".ahead" / "mine.txt").touch()
    scanned.clear()
    assert [path.name for path in (tmp_path / ".ahead").iterdir()] == ["mine.txt"]
