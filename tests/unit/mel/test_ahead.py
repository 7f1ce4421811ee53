"""Spectrograms that a scan computes are those that the stage would compute."""

import numpy as np
import pytest

from audiorec.artifacts import load_manifest
from audiorec.config import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.exceptions import AudioError
from audiorec.mel import compute_mels
from audiorec.mel.ahead import Ahead
from audiorec.mel.compute import Job, compute_track
from audiorec.scan import scan
from audiorec.scan.read_file import IDENTITY, hear_file


@pytest.fixture(scope="module")
def music(tmp_path_factory, tune, write_audio):
    """Files of several formats and rates, one of them shorter than a clip."""
    folder = tmp_path_factory.mktemp("music")
    write_audio(folder / "a.mp3", tune(33, seed=1))
    write_audio(folder / "b.flac", tune(31, sr=22050, channels=1, seed=2), sr=22050)
    write_audio(folder / "c.wav", tune(5, sr=8000, channels=1, seed=3), sr=8000)
    return folder


@pytest.fixture
def ahead(tmp_path):
    return Ahead.where_alike(tmp_path / "ahead", MelConfig(), clip=IDENTITY)


def no_decoding(*arguments, **options):
    raise AssertionError("decoded once more")


def test_what_waits_is_what_the_stage_computes(music, ahead, monkeypatch):
    for file in sorted(music.iterdir()):
        job = Job("t", str(file), hear_file(str(file), also=ahead)["clip_hash"])
        decoded = compute_track(job, config=ahead.config)
        with monkeypatch.context() as patch:
            patch.setattr("audiorec.audio.load_clips", no_decoding)
            waiting = compute_track(job, config=ahead.config, ahead=ahead)
        np.testing.assert_array_equal(waiting.mels, decoded.mels)
        np.testing.assert_array_equal(waiting.print, decoded.print)


def test_what_is_torn_or_not_there_is_computed(music, ahead):
    file = music / "a.mp3"
    job = Job("t", str(file), hear_file(str(file), also=ahead)["clip_hash"])
    (kept,) = (path for path in ahead.directory.rglob("*") if path.is_file())
    data = kept.read_bytes()
    for harmed in (data[:-1], data[:1000] + bytes([data[1000] ^ 1]) + data[1001:], b""):
        kept.write_bytes(harmed)
        assert ahead.take(job.clip_hash) is None
        assert len(compute_track(job, config=ahead.config, ahead=ahead).mels) == 1
    assert ahead.take("another") is None


def test_a_file_that_is_gone_is_told_of(music, ahead, tmp_path):
    file = tmp_path / "gone.mp3"
    file.write_bytes((music / "a.mp3").read_bytes())
    job = Job("t", str(file), hear_file(str(file), also=ahead)["clip_hash"])
    file.unlink()
    with pytest.raises(AudioError, match=r"gone\.mp3"):
        compute_track(job, config=ahead.config, ahead=ahead)


def test_no_room_costs_the_scan_nothing(music, tmp_path):
    (tmp_path / "full").write_bytes(b"")
    blocked = Ahead(tmp_path / "full", MelConfig())
    heard = hear_file(str(music / "b.flac"), also=blocked)
    assert heard == hear_file(str(music / "b.flac"))


@pytest.mark.parametrize("other", [{"n_clips": 3}, {"clip": "start"}, {"clip_seconds": 10.0}])
def test_other_clips_are_not_those_that_a_scan_decodes(tmp_path, other):
    assert Ahead.where_alike(tmp_path, MelConfig(**other), clip=IDENTITY) is None
    assert Ahead.where_alike(tmp_path, MelConfig(n_mels=40), clip=IDENTITY) is not None


def test_a_scan_and_the_stage_end_in_the_same_bytes(music, ahead, tmp_path):
    prints = []
    for number, given in enumerate((ahead, None)):
        with Catalog(tmp_path / f"{number}.sqlite") as catalog:
            assert scan(catalog, [music], n_jobs=1, also=given).added == 3
            assert ahead.directory.exists() == (given is not None)
            mels = tmp_path / f"mels{number}"
            report = compute_mels(mels, catalog, config=MelConfig(), n_jobs=1, ahead=given)
            assert report.computed == 3
            assert not ahead.directory.exists()
            files = load_manifest(mels, kind="mels").files
            prints.append({name: entry for name, entry in files.items() if "shard" in name})
    assert prints[0] == prints[1]


def test_clearing_keeps_what_is_somebody_elses(tmp_path):
    ahead = Ahead(tmp_path / ".ahead", MelConfig())
    (tmp_path / ".ahead" / "0123456789abcdef0123456789abcdef").mkdir(parents=True)
    (tmp_path / ".ahead" / "mine.txt").touch()
    ahead.clear()
    assert [path.name for path in (tmp_path / ".ahead").iterdir()] == ["mine.txt"]
