"""Pairs of copies are counted as what they are."""

from __future__ import annotations

import shutil
import sys

import pytest

from audiorec.studies import copies


@pytest.fixture(scope="module")
def songs(tmp_path_factory, tune, write_audio):
    folder = tmp_path_factory.mktemp("songs")
    for seed in range(2):
        write_audio(folder / f"{seed}.wav", tune(60, 22050, 1, seed=seed), sr=22050)
    (folder / "notes.txt").write_text("no audio")
    return folder


def test_all_copies_are_found_and_no_other(songs, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["copies", str(songs)])
    copies.main()
    said = capsys.readouterr().out
    assert "2 recordings, 12 files, 66 pairs" in said
    assert "precision 1.0000" in said and "recall    1.0000 (0 of 30 missed)" in said
    assert "wrong" not in said.split("\n", 2)[2]


def test_one_recording_under_two_names_is_counted_as_wrong(songs, tmp_path, capsys, monkeypatch):
    twin = shutil.copy(songs / "0.wav", tmp_path / "twin.wav")
    monkeypatch.setattr(sys, "argv", ["copies", str(songs / "0.wav"), str(twin)])
    copies.main()
    said = capsys.readouterr().out
    assert "(36 pairs wrong)" in said and "(0 of 30 missed)" in said
    assert said.endswith(f"wrong, 36 pairs: {songs / '0.wav'}, {twin}\n")


def test_what_agrees_nowhere_is_missed(songs):
    made = copies.make_copies([songs / "0.wav"])
    deaf = [copy._replace(words=copy.words * 0) for copy in made]
    assert len(copies.score_pairs(deaf).missed) == 15
