"""Names of every kind: each is answered, or refused in one line that says what stands there."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from audiorec.data.catalog import Catalog

from .conftest import call, spawn
from .test_bad_input import failed

LATIN = os.fsdecode(b"lat\xe9.wav")


@pytest.fixture(scope="module")
def outside(world) -> Path:
    """An audio file that is not in the catalogue."""
    return next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())


@pytest.fixture
def music(tmp_path) -> Path:
    """A folder of what looks like audio and is none."""
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "self.mp3").symlink_to("self.mp3")
    (folder / "dangling.mp3").symlink_to("nothing.mp3")
    os.mkfifo(folder / "pipe.wav")
    return folder


def test_what_stands_where_no_file_does(finished, music, monkeypatch):
    monkeypatch.chdir(music)
    for command in ("similar", "playlist"):
        failed(call("-w", finished, command, "self.mp3"), "symbolic links; check the file")
        failed(call("-w", finished, command, "dangling.mp3"), "is a link to nothing")
        failed(call("-w", finished, command, "pipe.wav"), "is not a regular file")
        failed(call("-w", finished, command, "/dev/null"), "/dev/null is not a regular file")
        failed(call("-w", finished, command, ""), "no track is called ''", "give its id")
        failed(call("-w", finished, command, "x" * 300), "no track is called 'xxx")
    failed(call("-w", finished, "tags", "pipe.wav"), "is not a regular file")


def test_a_file_from_outside_is_no_track_of_nearly_its_path(workspace, outside, tmp_path):
    with Catalog(workspace / "catalog.sqlite") as catalog:
        track = catalog.get("t000001")
        folder = tmp_path / "m"
        file = folder / ("a title so long that little else counts " * 4 + outside.suffix)
        catalog.upsert(replace(track, artist="", title=str(file).replace("/m/", "/n/")))
    folder.mkdir()
    shutil.copy(outside, file)
    found = json.loads(call("-w", workspace, "similar", file, "--json", "-k", "60").out)
    assert "t000001" in [row["track_id"] for row in found["results"]]


def test_every_line_of_a_batch_is_answered(finished, music, outside, tmp_path):
    text = tmp_path / "text.md"
    text.write_text("# No sound\n" * 100)
    lines = [b"\xef\xbb\xbft000001", b"caf\xe9", bytes(text), b"x" * 300, b"\0", b"m\tn"]
    lines += [bytes(music / "pipe.wav"), os.fsencode(outside), b"t000002"]
    file = tmp_path / "batch.txt"
    file.write_bytes(b"\n".join(lines) + b"\n")
    answer = call("-w", finished, "similar", "--batch", file, "-k", "1")
    assert answer.code == 1 and not answer.err
    rows = [json.loads(line) for line in answer.out.splitlines()]
    assert [len(row.get("results", ())) for row in rows] == [1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert rows[0]["query"] == ["t000001"]
    said = [row.get("error", "") for row in rows]
    assert "not UTF-8" in said[1] and "cannot be decoded" in said[2]
    assert "no track is called 'xxx" in said[3] and "no track is called" in said[4]
    assert "is not a regular file" in said[6]


def test_vectors_are_written_where_there_is_no_folder_yet(finished, tmp_path):
    file = tmp_path / "new" / "folder" / "x.parquet"
    assert call("-w", finished, "export", "embeddings", file).code == 0
    assert [path.name for path in file.parent.iterdir()] == ["x.parquet"]
    beneath = file / "y.parquet"
    failed(call("-w", finished, "export", "track-factors", beneath), beneath, "cannot be written")


def test_line_breaks_in_names_split_no_line(finished, tmp_path):
    name = tmp_path / "two\nlines.csv"
    for _ in range(2):  # not there; and wrong
        for command in (["plays", name], ["run", name], ["scan", "--manifest", name]):
            answer = call("-w", finished, *command)
            failed(answer, r"two\nlines.csv")
            assert answer.err.count("\n") == 1
        name.write_text("nothing\nof use\n")
    for command in ("status", "doctor"):
        answer = call("-w", name, command)
        failed(answer, r"two\nlines.csv")
        assert answer.err.count("\n") == 1
    assert call("-w", finished, "no\nsuch").err.splitlines()[-1].startswith("Error: No such")


def test_a_name_that_is_not_utf8_is_added(workspace, outside, tmp_path):
    file = tmp_path / LATIN
    shutil.copy(outside, file)
    for place in (file, tmp_path / "x" / ".." / LATIN):
        answer = call("-w", workspace, "add", place)
        assert answer.code == 0 and answer.out.strip(), answer.err


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii", "latin-1"])
def test_answers_in_any_encoding(workspace, outside, tmp_path, encoding):
    with Catalog(workspace / "catalog.sqlite") as catalog:
        catalog.upsert([replace(track, title="Ночь") for track in catalog.tracks()])
    shutil.copy(outside, tmp_path / LATIN)
    options = {"cwd": tmp_path, "env": {**os.environ, "PYTHONIOENCODING": encoding}}
    file = tmp_path / "names.txt"
    file.write_text(f"{LATIN}\nt000001\n", encoding="utf-8", errors="surrogateescape")
    for question in ([LATIN, "--json"], [LATIN], ["--batch", file], ["nol\udce9.wav"]):
        with spawn("-w", workspace, "similar", *question, "-k", "3", **options) as process:
            out, err = process.communicate()
        assert "Traceback" not in err
        if question[0] == "nol\udce9.wav":
            assert process.returncode == 1 and "no track is called" in err
            continue
        assert process.returncode == 0, err
        if "--json" in question:
            answer = json.loads(out)
            assert answer["query"] == [LATIN]
            assert {hit["title"] for hit in answer["results"]} == {"Ночь"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "embeddings", ""),
        ("playlist", "t000001", "--format", "m3u8", "-o", ""),
        ("evaluate", "--report", ""),
        ("evaluate", "--recipe", ""),
        ("run", ""),
        ("scan", ""),
        ("scan", "--manifest", ""),
        ("add", ""),
        ("plays", ""),
        ("import", "embeddings", ""),
    ],
    ids=" ".join,
)
def test_no_path_is_not_the_current_folder(finished, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    failed(call("-w", finished, *arguments), "'' is no path; name one", code=2)
    failed(call("-w", "", "status"), "'' is no path; name one", code=2)
    assert list(tmp_path.iterdir()) == []
