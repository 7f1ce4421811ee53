"""A workspace of format 1: its catalogue, plays and spectrograms are kept, the rest made again."""

import json
import sqlite3

import numpy as np
import polars as pl
import pytest
import soundfile

from audiorec import artifacts
from audiorec.artifacts import digest_file, fingerprint
from audiorec.audio import MelConfig
from audiorec.data.plays import load_plays
from audiorec.exceptions import ArtifactError
from audiorec.mel import MelStore
from audiorec.workspace import Workspace

from .conftest import call

SR = 22050
CONFIG = {
    "sr": SR, "n_fft": 1024, "hop_length": 512, "n_mels": 128, "fmin": 0.0, "fmax": None,
    "pad_mode": "constant", "compression": "db", "clip_seconds": 30.0, "clip": "middle",
    "n_clips": 1, "seed": 0,
}  # fmt: skip


def manifest(directory, kind, *, files, config, extra):
    """Write a manifest as version 0.1 wrote it."""
    entries = {
        name: {"file": path.name, "size": path.stat().st_size, "digest": digest_file(path)}
        for name, path in files.items()
    }
    body = {
        "format_version": 1, "kind": kind, "config": config, "inputs": {}, "files": entries,
        "extra": extra,
    }  # fmt: skip
    text = json.dumps({**body, "fingerprint": fingerprint(body)})
    (directory / "manifest.json").write_text(text)


@pytest.fixture
def old(tmp_path):
    """A workspace with plays, spectrograms' settings, factors and an index, all of format 1."""
    music = tmp_path / "music"
    music.mkdir()
    time = np.arange(3 * SR) / SR
    soundfile.write(music / "tone.wav", 0.3 * np.sin(2 * np.pi * 440 * time), SR)
    workspace = tmp_path / "workspace"
    assert call("-w", workspace, "scan", music).code == 0
    frame = pl.DataFrame(
        {
            "user_id": ["ann", "bob"], "track_id": ["tone", "tone"], "plays": [3.0, 1.0],
            "timestamp": [1704067200, None],
        },
        schema_overrides={"timestamp": pl.Int64},
    )  # fmt: skip
    for kind in ("plays", "mels", "factors", "index"):
        (workspace / kind).mkdir(exist_ok=True)
    part = workspace / "plays" / "part-0.parquet"
    frame.write_parquet(part)
    named = part.with_name(f"part-0.{digest_file(part)[:12]}.parquet")
    part.rename(named)
    told = {"file": "/music/plays.csv", "source": "csv", "rows": 2, "users": 2, "tracks": 1}
    manifest(
        workspace / "plays", "plays", files={"part-0.parquet": named}, config={},
        extra={"parts": {"part-0.parquet": told}},
    )  # fmt: skip
    extra = {"complete": True, "absent": [], "prints": 2}
    manifest(workspace / "mels", "mels", files={}, config=CONFIG, extra=extra)
    for kind in ("factors", "index"):
        manifest(workspace / kind, kind, files={}, config={}, extra={})
    return Workspace(workspace)


def test_what_an_earlier_version_made_is_named_in_one_line(old):
    answer = call("-w", old.root, "similar", "tone")
    assert answer.code == 1 and len(answer.err.splitlines()) == 1
    assert "was made by an earlier version; run 'audiorec run'" in answer.err
    with pytest.raises(ArtifactError, match="earlier version"):
        artifacts.load_manifest(old.factors, kind="factors")
    assert artifacts.load_valid(old.index, kind="index") is None


def test_tracks_plays_and_spectrograms_are_kept(old):
    assert load_plays(old.plays)["plays"].sum() == 4
    assert MelStore(old.mels).config == MelConfig()
    kept = artifacts.load_manifest(old.mels, kind="mels").config
    assert artifacts.current_settings(kept) == MelConfig().model_dump(mode="json")
    status = json.loads(call("-w", old.root, "status", "--json").out)
    assert status["tracks"] == 1
    with sqlite3.connect(old.catalog) as database:
        assert database.execute("SELECT count(*) FROM tracks").fetchone() == (1,)


def test_more_plays_go_beside_those_of_before(old, tmp_path):
    more = tmp_path / "more.csv"
    more.write_text("user_id,track_id,plays\ncay,tone,5\n")
    assert call("-w", old.root, "plays", more).code == 0
    assert load_plays(old.plays)["plays"].sum() == 9
    assert json.loads((old.plays / "manifest.json").read_text())["format_version"] == 2


def test_a_damaged_manifest_of_format_1_is_told_from_an_old_one(old):
    path = old.plays / "manifest.json"
    path.write_text(path.read_text().replace("csv", "tsv"))
    with pytest.raises(ArtifactError, match="its digest differs"):
        artifacts.load_manifest(old.plays, kind="plays")
