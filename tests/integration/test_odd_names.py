"""Names of every kind: each is answered, or refused in one line that says what stands there."""

import shutil

import pytest

from .conftest import call
from .helpers import LATIN, failed


def test_what_stands_where_no_file_does(finished, not_audio, monkeypatch):
    monkeypatch.chdir(not_audio)
    for command in ("similar", "playlist"):
        failed(call("-w", finished, command, "self.mp3"), "symbolic links; check the file")
        failed(call("-w", finished, command, "dangling.mp3"), "is a link to nothing")
        failed(call("-w", finished, command, "pipe.wav"), "is not a regular file")
        failed(call("-w", finished, command, "/dev/null"), "/dev/null is not a regular file")
        failed(call("-w", finished, command, ""), "no track is called ''", "give its id")
        failed(call("-w", finished, command, "x" * 300), "no track is called 'xxx")
    failed(call("-w", finished, "tags", "pipe.wav"), "is not a regular file")


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
    failed(call("-w", finished, *arguments), "'' is not a path; name one", code=2)
    failed(call("-w", "", "status"), "'' is not a path; name one", code=2)
    assert list(tmp_path.iterdir()) == []
