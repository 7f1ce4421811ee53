"""What can be asked wrongly of a playlist: one clear line each, and no file is lost or torn."""

from __future__ import annotations

import numpy as np
import pytest

from ...integration.helpers import call
from .conftest import make_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    vectors = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)
    return make_workspace(tmp_path_factory.mktemp("bad") / "ws", vectors, n_artists=20)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("nobody", 1, "no track is called 'nobody'"),
        ("--artist Nobody", 1, "no track is by artist 'Nobody'"),
        ("t000 --key Q", 2, "key 'Q' must be one such as"),
        ("t000 --popularity some", 2, "neither a number nor gems, even, hits"),
        ("t000 --duration 5:00-2:00", 2, "duration '5:00-2:00' must be a range"),
        ("t000 --artist ", 1, "artist '' is not a name"),
        ("--album Nothing", 1, "no track is on album 'Nothing'"),
        ("t000 --not nobody", 1, "no track is called 'nobody'"),
        ("t000 t000 --kind path", 1, "only one was named"),
        ("t000 --kind path", 1, "name another"),
        ("t000 t001 t002 --kind path --length 2", 1, "has no room for the 3 tracks"),
        ("t000 --genre polka", 1, "no track fits the filters (genre polka)"),
        ("t000 --genre jazz --year 1950", 1, "widen or drop one"),
        ("t000 --year 1980-1970", 2, "its beginning before its end"),
        ("t000 --tempo fast", 2, "must be a range"),
        ("t000 --tempo 100-120", 1, "run 'audiorec descriptors'"),
        ("t000 --kind arc", 1, "run 'audiorec descriptors'"),
        ("t000 --length 3 --minutes 10", 2, "exclude each other; give one"),
        ("t000 --length 0", 2, "x>=1"),
        ("t000 --minutes nan", 2, "nan"),
        ("--kind near", 2, "starts from tracks"),
        ("--kind listener --user nobody", 1, "no listening is known"),
        ("--kind mix --user me", 2, "for several listeners"),
        ("--kind listener --user me t000", 2, "not from 't000'"),
        ("--kind mix --user me --user you --artist Nobody", 2, "not from 'Nobody'"),
        ("t000 --like-last 3", 2, "--like-last goes with --kind listener"),
        ("t000 --new-share 0.5", 2, "--new-share goes with --kind listener"),
        ("t000 --kind path --shape fall", 2, "--shape goes with --kind arc"),
        ("t000 --not t000", 1, "'t000' is both asked for and excluded"),
        ("t000 t001 --kind reorder --not t001", 1, "'t001' is both asked for and excluded"),
        ("t000 --tag polka", 1, "polka"),
        ("t000 --kind polka", 2, "polka"),
        ("t000 --format mp3", 2, "mp3"),
        ("t000 -o {tmp}/a.wav", 2, "name one with --format"),
        ("t000 -o {tmp}/b.xspf --preview", 2, "cannot hold previews"),
        ("t000 -o /proc/none/a.m3u8", 1, "/proc/none"),
        ("t000 -o {tmp}/file.txt/a.m3u8", 1, "file.txt"),
        ("t000 --path-map nonsense -o {tmp}/c.m3u8", 1, "must be OLD=NEW"),
        ("t000 --save ../x", 1, "is not a recipe name"),
        ("{tmp}/broken.xspf --kind continue", 1, "broken.xspf"),
        ("{tmp}/broken.json --kind continue", 1, "broken.json"),
        ("{tmp}/binary.m3u8 --kind continue", 1, "binary.m3u8"),
        ("{tmp}/gone.m3u8 --kind continue", 1, "gone.m3u8"),
        ("{tmp}/elsewhere.m3u8 --kind reorder", 1, "no track that"),
    ],
)
def test_one_clear_line_and_no_file(workspace, tmp_path, words, code, said):
    (tmp_path / "file.txt").write_text("mine")
    (tmp_path / "broken.xspf").write_text("<playlist><trackList>")
    (tmp_path / "broken.json").write_text('{"tracks": [')
    (tmp_path / "binary.m3u8").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "elsewhere.m3u8").write_text("/nowhere/a.mp3\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    kept = sorted(workspace.playlists.rglob("*")) if workspace.playlists.exists() else []
    words = [word.format(tmp=tmp_path) for word in words.split(" ")]
    exit_code, out, err = call("-w", workspace.root, "playlist", *words)
    assert (exit_code, out) == (code, "") and said in err and "Traceback" not in err
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1 or code == 2  # wrong usage says too how a command is used
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    after = sorted(workspace.playlists.rglob("*")) if workspace.playlists.exists() else []
    assert after == kept


def test_a_hidden_seed_steers_and_ends_no_path(workspace, tmp_path):
    assert call("-w", workspace.root, "exclude", "add", "--path", "t000*")[0] == 0
    try:
        code, _, err = call("-w", workspace.root, "playlist", "t000", "t001", "--kind", "path")
        assert code == 1 and "no path can begin, pass or end there" in err
        code, out, err = call("-w", workspace.root, "playlist", "t000", "-o", tmp_path / "a.m3u8")
        assert code == 0 and "t000 is hidden" in err
        assert not any(line.split()[2] == "t000" for line in out.splitlines())
        code, _, err = call("-w", workspace.root, "playlist", "t000", "--kind", "reorder")
        assert code == 1 and "no track fits" in err
    finally:
        (workspace.exclusions).unlink()


def test_more_tracks_than_there_are_are_said_and_an_existing_list_stays_whole(
    workspace, tmp_path, monkeypatch
):
    file = tmp_path / "a.m3u8"
    code, out, err = call("-w", workspace.root, "playlist", "t000", "--length", "500", "-o", file)
    assert code == 0 and f"only {len(out.splitlines())} of 500 tracks" in err
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audiorec.output_files.os.fsync", full)
    code, _, err = call("-w", workspace.root, "playlist", "t001", "--length", "5", "-o", file)
    assert code == 1 and "space" in err.lower() and len(err.splitlines()) == 1
    assert file.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.m3u8"]


def test_explaining_what_cannot_be_explained(workspace):
    for words, said in (
        (("t000", "t000"), "are the same track"),
        (("t000", "nobody"), "no track is called 'nobody'"),
        (("t000", "t001", "--sound"), "run"),
        (("units",), "run"),
    ):
        code, out, err = call("-w", workspace.root, "explain", *words)
        assert (code, out) == (1, "") and said in err and len(err.splitlines()) == 1
