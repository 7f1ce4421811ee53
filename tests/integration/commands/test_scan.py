"""The command ``scan``."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import soundfile as sf

from audiorec.mel import MelStore

from ..conftest import call


def test_files_that_cannot_be_read_never_stop_a_scan(tmp_path, recipe):
    music = tmp_path / "music"
    music.mkdir()
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 22050 * 4)
    sf.write(music / "good.wav", sound, 22050)
    sf.write(music / "ночь\nи день.flac", sound[::-1], 22050)
    sf.write(music / "silent.wav", np.zeros(22050 * 3), 22050)
    sf.write(music / "short.wav", sound[:2000], 22050)
    (music / "empty.mp3").touch()
    (music / "text.mp3").write_text("not a sound " * 500)
    (music / "loop.mp3").symlink_to(music / "loop.mp3")
    os.mkfifo(music / "pipe.wav")
    workspace = tmp_path / "workspace"
    answer = call("-w", workspace, "scan", music)
    assert answer.code == 0 and "2 added" in answer.out, answer
    assert call("-w", workspace, "scan", music, "--strict").code == 1
    named = call("-w", workspace, "status", "--failures").out
    for name in ("silent.wav", "short.wav", "empty.mp3", "text.mp3", "loop.mp3", "pipe.wav"):
        assert name in named
    assert all(len(line.strip()) > 10 for line in named.strip().splitlines())


def test_folders_or_a_manifest(tmp_path):
    (tmp_path / "t.csv").write_text("track_id,path\n")
    for arguments in ([], [tmp_path, "--manifest", tmp_path / "t.csv"]):
        answer = call("-w", tmp_path / "w", "scan", *arguments)
        assert answer.code == 2 and "or a --manifest, but not both" in answer.err
    assert not (tmp_path / "w").exists()


def refuse(*args, **kwargs):
    pytest.fail("a file is decoded")


def test_scan_makes_the_spectrograms_of_the_recipe_that_is_named(tmp_path, monkeypatch):
    music, workspace = tmp_path / "music", tmp_path / "workspace"
    music.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.wav", "b.wav"):
        sf.write(music / name, rng.normal(0, 0.1, 22050 * 4), 22050)
    assert call("-w", workspace, "scan", music, "--recipe", "scratch").code == 0
    with monkeypatch.context() as patched:
        patched.setattr("audiorec.worker_pool.Pool", refuse)
        answer = call("-w", workspace, "mel", "--recipe", "scratch")
    assert answer.code == 0 and "2 computed" in answer.out, answer
    assert MelStore(workspace / "mels").config.n_mels == 128
    shutil.rmtree(workspace)
    answer = call("-w", workspace, "scan", music, "--recipe", "none-such")
    assert answer.code == 1 and "none-such" in answer.err and not workspace.exists()
