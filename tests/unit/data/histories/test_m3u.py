"""Playlists as listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiorec.data import import_plays, load_sessions
from audiorec.data.histories.m3u import read_playlists
from audiorec.data.playlist_files import entries, playlists_in
from audiorec.data.plays import load_plays
from audiorec.data.plays_import import get_importer
from audiorec.exceptions import DataError, ParameterError


@pytest.fixture
def music(tmp_path):
    """A folder of music with playlists at two depths, and the ids of its files."""
    folder = tmp_path / "music"
    (folder / "lists").mkdir(parents=True)
    for name in ("a.mp3", "b.mp3", "ü.mp3"):
        (folder / name).touch()
    (folder / "evening.m3u8").write_text(
        "\ufeff#EXTM3U\n#EXTINF:1,A - A\na.mp3\n\nü.mp3\na.mp3\n", encoding="utf-8"
    )
    (folder / "lists" / "old.m3u").write_bytes(
        f"..\\b.mp3\r\n../\xfc.mp3\r\n{folder}/a.mp3\r\n".encode("cp1252")
    )
    (folder / ".hidden.m3u").write_text("a.mp3\n")
    ids = {str(folder / name): name[0] for name in ("a.mp3", "b.mp3", "ü.mp3")}
    return folder, ids


def test_every_list_is_a_listener(music, tmp_path):
    folder, ids = music
    report = import_plays(tmp_path / "plays", folder, source="m3u", paths=ids)
    assert (report.rows, report.users, report.tracks, report.unknown) == (6, 2, 3, 0)
    assert report.summed == 1
    rows = load_plays(tmp_path / "plays").select("user_id", "track_id", "plays").rows()
    assert sorted(rows) == [
        ("evening", "a", 1.0),
        ("evening", "a", 1.0),
        ("evening", "ü", 1.0),
        ("lists/old", "a", 1.0),
        ("lists/old", "b", 1.0),
        ("lists/old", "ü", 1.0),
    ]
    again = import_plays(tmp_path / "plays", folder, source="m3u", paths=ids)
    assert again.replaced == 6 and len(load_plays(tmp_path / "plays")) == 6


def test_a_folder_by_its_path_from_here(music, tmp_path, monkeypatch):
    folder, ids = music
    monkeypatch.chdir(tmp_path)
    import_plays(tmp_path / "plays", Path(folder.name), source="m3u", paths=ids)
    assert set(load_plays(tmp_path / "plays")["user_id"]) == {"evening", "lists/old"}
    monkeypatch.chdir(folder)
    import_plays(tmp_path / "here", Path(), source="m3u", paths=ids)
    assert set(load_plays(tmp_path / "here")["user_id"]) == {"evening", "lists/old"}


def test_a_list_keeps_its_order_where_a_track_comes_up_again(music, tmp_path):
    folder, ids = music
    import_plays(tmp_path / "plays", folder / "evening.m3u8", source="m3u", paths=ids)
    sessions = load_sessions(tmp_path / "plays")
    assert [sessions.item_ids[item] for item in sessions.items] == ["a", "ü", "a"]


def test_files_that_are_not_catalogued_are_counted(music, tmp_path):
    folder, ids = music
    some = {path: id_ for path, id_ in ids.items() if id_ == "a"}
    report = import_plays(tmp_path / "plays", folder, source="m3u", paths=some)
    assert (report.rows, report.unknown) == (3, 3)
    with pytest.raises(DataError, match="none of the [34] files that .* scan the folder"):
        import_plays(tmp_path / "others", folder, source="m3u")


def test_addresses(tmp_path):
    (tmp_path / "a b.mp3").touch()
    file = tmp_path / "x.m3u8"
    file.write_text(f"http://radio.example/stream\n{(tmp_path / 'a b.mp3').as_uri()}\n")
    plays, skipped, _ = read_playlists(file)
    assert skipped == 1
    assert plays.collect().row(0)[:3] == ("x", str(tmp_path / "a b.mp3"), 1.0)


def test_what_is_no_playlist(tmp_path):
    with pytest.raises(DataError, match="there is no playlist or folder .*none"):
        read_playlists(tmp_path / "none")
    with pytest.raises(DataError, match="holds no playlist"):
        read_playlists(tmp_path)
    (tmp_path / "binary.m3u").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match="binary.m3u is no text"):
        read_playlists(tmp_path)
    (tmp_path / "binary.m3u").write_text("#EXTM3U\n")
    with pytest.raises(DataError, match="no playlist in .* names a file"):
        read_playlists(tmp_path)
    with pytest.raises(ParameterError, match="neutral=3 is for ratings"):
        get_importer("m3u")(tmp_path, scratch=tmp_path, neutral=3)


def test_hidden_lists_are_passed_by(music):
    folder, _ = music
    assert [path.name for path in playlists_in(folder)] == ["evening.m3u8", "old.m3u"]


@pytest.mark.parametrize(
    ("page", "path"),
    [
        *((page, "Музыка/Кино - Группа крови.mp3") for page in ("cp1251", "koi8_r", "cp866")),
        *((page, "Motörhead - Überkill.mp3") for page in ("cp1252", "cp850", "mac_roman")),
        ("cp1250", "Zażółć gęślą jaźń.mp3"),
        ("cp1253", "Μίκης Θεοδωράκης - Το γελαστό παιδί.mp3"),
        ("cp932", "久石譲/となりのトトロ.mp3"),
        ("gb18030", "王菲 - 红豆.mp3"),
    ],
)
@pytest.mark.parametrize(("head", "before"), [("", ""), ("[playlist]\n", "File1=")])
def test_a_code_page_is_known_where_no_file_is_there(tmp_path, page, path, head, before):
    file = tmp_path / "list.m3u"
    file.write_bytes(f"{head}{before}E:/{path}\n".encode(page))
    assert list(entries(file)) == [f"E:/{path}"]
