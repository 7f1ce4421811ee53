"""The command ``scan``."""

from __future__ import annotations

import os

import numpy as np
import soundfile as sf

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
