"""Playlists that were written elsewhere: other roots, encodings, spellings and formats."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from audiorec.data import import_plays
from audiorec.data.playlist_files import (
    EntryPathMatcher,
    PathMap,
    entries,
    entry_path,
    playlists_in,
)
from audiorec.data.plays import load_plays
from audiorec.exceptions import DataError, ParameterError
from audiorec.playlist import write_playlist

NAMES = ("Sade/Smooth Operator.mp3", "Björk/Jóga.mp3", "Кино/Группа крови.mp3", "x/01.mp3")


@pytest.fixture
def music(tmp_path):
    """A folder of files, and the ids of all of them."""
    folder = tmp_path / "music"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder, {str(folder / name): name for name in NAMES}


def listed(folder: Path, ids, content: bytes, *, name: str = "l.m3u", **how) -> set[str]:
    (folder / name).write_bytes(content)
    import_plays(folder.parent / "plays", folder / name, source="m3u", paths=ids, **how)
    return set(load_plays(folder.parent / "plays")["track_id"])


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        ("Sade/Smooth%20Operator.mp3", 0),
        ("sade/smooth operator.MP3", 0),
        (unicodedata.normalize("NFD", NAMES[1]), 1),
        ("E:\\Music\\Sade\\Smooth Operator.mp3", 0),
        ("\\\\nas\\share\\Björk\\Jóga.mp3", 1),
        ("/Users/me/Music/Sade/Smooth Operator.mp3", 0),
        ("file:///E:/Music/Sade/Smooth%20Operator.mp3", 0),
        ("file://nas/Music/Bj%C3%B6rk/J%C3%B3ga.mp3", 1),
        ("F:\\Smooth Operator.mp3", 0),
    ],
)
def test_entries_as_players_write_them(music, entry, number):
    folder, ids = music
    assert listed(folder, ids, entry.encode()) == {NAMES[number]}


def test_what_fits_several_or_too_little_is_named(music, tmp_path):
    folder, ids = music
    twins = {**ids, str(folder / "live" / "Smooth Operator.mp3"): "live"}
    finder = EntryPathMatcher(twins)
    assert finder.find("/elsewhere/Smooth Operator.mp3") is None  # two of them
    assert finder.find("/elsewhere/live/Smooth Operator.mp3") == "live"
    assert finder.find("/elsewhere/01.mp3") is None  # a number is no name
    (folder / "new").mkdir()
    (folder / "new" / "Jóga.mp3").touch()  # is there, and was not scanned
    assert finder.find(str(folder / "new" / "Jóga.mp3")) is None
    (folder / "l.m3u").write_text("Björk/Jóga.mp3\nSade/gone.mp3\n")
    report = import_plays(tmp_path / "plays", folder / "l.m3u", source="m3u", paths=ids)
    assert report.missing == (str(folder / "Sade" / "gone.mp3"),) and report.unknown == 1


def test_folders_can_be_mapped(music):
    folder, ids = music
    how = {"path_map": [PathMap.parse(f"e:\\music\\={folder}/x/")]}
    assert listed(folder, ids, b"E:\\Music\\01.mp3", **how) == {NAMES[3]}
    assert entry_path("E:\\Musical\\01.mp3", folder=folder, **how) == "/E:/Musical/01.mp3"
    with pytest.raises(ParameterError, match="'x' must be OLD=NEW"):
        PathMap.parse("x")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1251"])
def test_encodings(music, encoding):
    folder, ids = music
    text = "#EXTM3U\r\n#EXTINF:1,Кино\r\nКино\\Группа крови.mp3\r\n"
    assert listed(folder, ids, text.encode(encoding)) == {NAMES[2]}


def test_an_encoding_that_is_named(tmp_path):
    (tmp_path / "l.m3u").write_bytes("#EXTENC: cp1253\nΝύχτα.mp3\n".encode("cp1253"))
    assert list(entries(tmp_path / "l.m3u")) == ["Νύχτα.mp3"]


def test_formats(music):
    folder, ids = music
    pls = "[playlist]\nFile1=Björk/Jóga.mp3\nTitle1=Jóga\nFile2=x/01.mp3\nNumberOfEntries=2\n"
    assert listed(folder, ids, pls.encode(), name="l.pls") == {NAMES[1], NAMES[3]}
    xspf = (
        '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
        "<track><location>Bj%C3%B6rk/J%C3%B3ga.mp3</location></track></trackList></playlist>"
    )
    assert listed(folder, ids, xspf.encode(), name="l.xspf") >= {NAMES[1]}
    jspf = json.dumps({"playlist": {"track": [{"location": ["x/01.mp3"]}, {"title": "t"}]}})
    assert listed(folder, ids, jspf.encode(), name="l.jspf") >= {NAMES[3]}
    assert len(playlists_in(folder)) == 3


@pytest.mark.parametrize("format_", ["m3u8", "xspf", "jspf"])
def test_lists_of_our_own_are_no_listeners(tmp_path, format_):
    write_playlist([], tmp_path / f"l.{format_}", title="Evening")
    assert playlists_in(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04....", "is a zip archive"),
        (b"\x1f\x8b\x08\0", "is gzipped"),
        (b"\0\1\2", "is no text"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><p xmlns="http://xspf.org/ns/0/"/>',
         "declares entities"),
        (b'<playlist xmlns="http://xspf.org/ns/0/"><track>', "is no XSPF"),
        (b'<?xml version="1.0"?><plist version="1.0"><dict/></plist>', "is XML or HTML"),
        (b'\xef\xbb\xbf<ASX version="3.0"><entry/></ASX>', "is XML or HTML"),
        ("<!doctype html><p>404".encode("utf-16"), "is XML or HTML"),
        (b'PERFORMER "x"\r\nFILE "x.wav" WAVE\r\n  TRACK 01 AUDIO\r\n', "is a CUE sheet"),
        (b'{"playlist": 1}', "is no JSPF"),
        (b'{"a":' * 5000, "is no JSPF"),
    ],
)  # fmt: skip
def test_what_it_is_that_is_no_playlist(tmp_path, content, what):
    (tmp_path / "l.m3u").write_bytes(content)
    with pytest.raises(DataError, match=f"playlist .*l.m3u {what}"):
        list(entries(tmp_path / "l.m3u"))


def test_a_list_that_cannot_be_read_is_found_and_named(tmp_path, link_unreadable):
    file = tmp_path / "l.m3u"
    link_unreadable(file)
    assert list(playlists_in(tmp_path)) == [file]
    with pytest.raises(DataError, match=r"l.m3u cannot be read: input/output error; check its"):
        list(entries(file))


def test_a_code_page_that_nobody_knows_is_passed_over(music):
    folder, ids = music
    name = "Björk/Jóga.mp3"
    content = f"#EXTM3U\n#EXTENC: of-nobody\n{name}\n".encode("cp1252")
    assert listed(folder, ids, content) == {name}
