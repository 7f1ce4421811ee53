"""Descriptors of every track of a catalogue, by a scan or after it."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from audiorec import artifacts
from audiorec.data.catalog import Catalog, Track, load_descriptors, save_descriptors
from audiorec.data.catalog.descriptors import KIND
from audiorec.pipeline import Pipeline, describe_catalog, descriptors, take_scanned
from audiorec.scan import scan
from audiorec.workspace import Workspace

from ..audio.songs import SR, song


def test_every_track_is_measured_once(tmp_path):
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
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    also = Pipeline(workspace).scan_also()
    assert [work.__self__.__class__.__name__ for work in also.args[0]] == ["ScannedMels"]


def test_what_was_measured_before_an_interrupt_is_kept(tmp_path, monkeypatch):
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
