"""Files, folders and zips: recognised, bounded, and never half taken in."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile

import pytest

from audiorec.data.histories import (
    IN_COLUMNS,
    SOURCES,
    Export,
    Tally,
    export_files,
    history,
    recognise,
    stream_parsing,
)
from audiorec.data.histories.stream_parsing import csv_rows, json_array
from audiorec.exceptions import DataError, ParameterError

FOLDERS = {source: source for source in SOURCES} | {"spotify-short": "spotify"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_format_is_recognised(fixture, tmp_path, folder):
    """As a folder, as a zip, and each of its files alone."""
    path = fixture(folder)
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in path.rglob("*"):
            archive.write(file, file.relative_to(path.parent).as_posix())
    for place in (path, packed):
        found = recognise(Export(place, scratch=tmp_path))
        assert found.source == FOLDERS[folder]
        assert all(recognise(Export(place, scratch=tmp_path), source=found.source).members)


def test_every_format_says_what_it_is_and_how_to_get_it():
    for source in SOURCES:
        module = history(source)
        assert module.TITLE and len(module.EXPORT) > 20
        assert callable(module.recognise) and (source in IN_COLUMNS or callable(module.read))
    with pytest.raises(ParameterError, match="source='tape' is unknown; use one of: auto, spotify"):
        history("tape")


def test_what_has_no_known_format(tmp_path, fixture):
    (tmp_path / "notes.txt").write_text("nothing of the kind\n")
    with pytest.raises(
        DataError, match=r"notes.txt is not a known listening history; known are spotify"
    ):
        recognise(Export(tmp_path / "notes.txt", scratch=tmp_path))
    with pytest.raises(
        DataError, match=r"has no Plex database in it; to get one: copy com.plexapp"
    ):
        recognise(Export(tmp_path / "notes.txt", scratch=tmp_path), source="plex")
    for name in ("spotify", "lastfm"):
        fixture(name)
    with pytest.raises(DataError, match=r"holds spotify and lastfm; name the files one by one"):
        recognise(Export(tmp_path, scratch=tmp_path))
    with pytest.raises(DataError, match=r"nowhere is not there; check its path"):
        Export(tmp_path / "nowhere", scratch=tmp_path)
    (tmp_path / "empty.json").touch()
    with pytest.raises(DataError, match=r"empty.json is empty"):
        Export(tmp_path / "empty.json", scratch=tmp_path)


def test_playlists_beside_a_history_are_not_meant(fixture, tmp_path):
    folder = fixture("spotify")
    (folder / "evening.m3u").write_text("a.mp3\n")
    assert recognise(Export(folder, scratch=tmp_path)).source == "spotify"


def zipped(path, entries) -> Export:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return Export(path, scratch=path.parent)


@pytest.mark.parametrize("name", ["../evil.json", "/etc/evil.json", "a/../../b.json", "C:\\x.json"])
def test_entries_that_point_outside(tmp_path, name):
    with pytest.raises(DataError, match="has an entry that points outside it"):
        zipped(tmp_path / "x.zip", {name: "[]"})


def test_a_zip_bomb_is_given_up(tmp_path, monkeypatch):
    """By what it unpacks to, whatever it says of itself; also where zips are nested."""
    monkeypatch.setattr(export_files, "MAX_UNPACKED", 3 << 20)
    big = b'[{"msPlayed": 1}' + b" " * (8 << 20)
    found = recognise(zipped(tmp_path / "x.zip", {"StreamingHistory_music_0.json": big}))
    with pytest.raises(DataError, match=r"x.zip unpacks to more than 3 MB; unpack what you need"):
        list(history("spotify").read(None, found.members, Tally()))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("y.json", b" " * (8 << 20))
    with pytest.raises(DataError, match="unpacks to more than"):
        zipped(tmp_path / "z.zip", {"inner.zip": inner.getvalue()})


def test_zips_within_zips_end(tmp_path):
    content = b"[]"
    for _ in range(6):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("inner.zip", content)
        content = stream.getvalue()
    (tmp_path / "deep.zip").write_bytes(content)
    assert Export(tmp_path / "deep.zip", scratch=tmp_path).members == []


def test_archives_that_are_damaged_or_encrypted(tmp_path):
    zipped(tmp_path / "x.zip", {"StreamingHistory_music_0.json": '[{"msPlayed": 1}]' * 99})
    raw = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(raw[:-30])
    with pytest.raises(DataError, match=r"cut.zip is a damaged archive .*fetch it again"):
        Export(tmp_path / "cut.zip", scratch=tmp_path)
    locked = bytearray(raw)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[raw.index(mark) + place] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(DataError, match=r"locked.zip is encrypted; unpack it"):
        Export(tmp_path / "locked.zip", scratch=tmp_path)


def json_file(tmp_path, content: bytes) -> Export:
    (tmp_path / "x.json").write_bytes(content)
    return Export(tmp_path / "x.json", scratch=tmp_path)


def test_json_is_read_bit_by_bit(tmp_path, monkeypatch):
    """Whatever the size of what is read at a time."""
    rows = [{"a": 1.5, "ü": "x" * n, "b": [n, None, {"c": "]"}]} for n in range(40)]
    for size in (1, 7, 64, 1 << 16):
        monkeypatch.setattr(stream_parsing, "BLOCK", size)
        for indent in (None, 1):
            body = json.dumps(rows, ensure_ascii=False, indent=indent).encode("utf-8-sig")
            (member,) = json_file(tmp_path, body).members
            assert list(json_array(member, Tally())) == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[{"a": 1},\n{"a": ', "line 2: is no JSON .*or breaks off"),
        (b'[{"a": 1}\n', "line 2: breaks off"),
        (b'[{"a": 1},', "line 1: breaks off"),
        (b"[1", "line 1: breaks off"),
        (b'[{"a": 1} {"a": 2}]', "line 1: lacks a comma"),
        (b'{"a": 1}', "line 1: is no JSON list"),
        (b"[" * 100_000, "line 1: is nested too deeply"),
        (b"\xff\xfe\x00", "line 1: is no JSON list"),
    ],
)
def test_json_that_is_none(tmp_path, content, said):
    (member,) = json_file(tmp_path, content).members
    with pytest.raises(DataError, match=f"x.json, {said}"):
        list(json_array(member, Tally()))


def test_json_items_that_are_no_objects_are_counted(tmp_path):
    (member,) = json_file(tmp_path, b'[1, null, "x", [], {"a": 1}, 1e999]').members
    tally = Tally()
    assert list(json_array(member, tally)) == [{"a": 1}]
    assert tally == {"list items that are no JSON object": 5}


def test_ten_megabytes_on_one_line(tmp_path):
    row = {
        "endTime": "2024-01-02 10:03",
        "artistName": "X" * 900,
        "trackName": "Y",
        "msPlayed": 9e4,
    }
    n = 10_000_000 // len(json.dumps(row))
    (member,) = json_file(tmp_path, json.dumps([row] * n).encode()).members
    found = history("spotify").read(None, [member], Tally())
    assert sum(1 for _ in found) == n


def table(tmp_path, content: bytes):
    (tmp_path / "x.csv").write_bytes(content)
    return Export(tmp_path / "x.csv", scratch=tmp_path).members[0]


def test_tables_of_any_separator_and_encoding(tmp_path):
    for mark in (",", ";", "\t"):
        rows = [["a", "b c", "ü"], ["1", f"x{mark}y", 'say "so"']]
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            stream = io.StringIO()
            import csv

            csv.writer(stream, delimiter=mark).writerows(rows)
            member = table(tmp_path, stream.getvalue().encode(encoding))
            assert [row for _, row in csv_rows(member, Tally())] == rows
    tally = Tally()
    mixed = table(tmp_path, "a,ü\n".encode() + "b,ü\n".encode("cp1252"))
    assert [row for _, row in csv_rows(mixed, tally)] == [["a", "ü"], ["b", "ü"]]
    assert tally == {"lines that are not UTF-8, read as Windows-1252": 1}


def test_a_quote_that_nothing_closes(tmp_path):
    member = table(tmp_path, b'a,b\n1,"x\n' + b"2,y\n" * 500)
    with pytest.raises(DataError, match="x.csv, line 2: opens a quote that nothing closes"):
        list(csv_rows(member, Tally()))
    with pytest.raises(DataError, match="x.csv, line 2: holds a zero byte"):
        list(csv_rows(table(tmp_path, b"a,b\n\0,1\n"), Tally()))


def test_a_table_packed_by_gzip(fixture, tmp_path):
    """Known by its columns; one that is damaged by its name, so that what is wrong is said."""
    plain = (fixture("csv") / "plays.csv").read_bytes()
    packed = tmp_path / "plays.gz"
    packed.write_bytes(gzip.compress(plain))
    assert recognise(Export(packed, scratch=tmp_path)).source == "csv"
    packed.write_bytes(gzip.compress(b"nothing of the kind\n"))
    with pytest.raises(DataError, match="is not a known listening history"):
        recognise(Export(packed, scratch=tmp_path))
    damaged = b"\x1f\x8b\x08\x00" + b"\xff" * 60
    packed.write_bytes(damaged)
    with pytest.raises(DataError, match="is not a known listening history"):
        recognise(Export(packed, scratch=tmp_path))
    named = tmp_path / "plays.CSV.gz"
    named.write_bytes(damaged)
    assert recognise(Export(named, scratch=tmp_path)).source == "csv"


def test_a_line_of_excel_before_the_header(tmp_path):
    file = tmp_path / "plays.csv"
    file.write_text("sep=;\nuser_id;track_id;plays\nu;t;1\n")
    assert recognise(Export(file, scratch=tmp_path)).source == "csv"
    file.write_text("sep=;")
    with pytest.raises(DataError, match="is not a known listening history"):
        recognise(Export(file, scratch=tmp_path))


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"pipe is no regular file; copy it into one"):
        Export(tmp_path / "pipe", scratch=tmp_path)


def test_a_file_that_cannot_be_read(tmp_path, link_unreadable):
    """Alone it is named; within a folder it is of no format."""
    (tmp_path / "folder").mkdir()
    broken = tmp_path / "folder" / "endsong_0.json"
    link_unreadable(broken)
    with pytest.raises(DataError, match=r"endsong_0.json cannot be read: input/output error"):
        Export(broken, scratch=tmp_path)
    with pytest.raises(DataError, match="folder is not a known listening history"):
        recognise(Export(tmp_path / "folder", scratch=tmp_path))


def test_hidden_folders_are_passed_by(fixture, tmp_path):
    folder = fixture("spotify-short")
    (folder / ".trash").mkdir()
    (folder / ".trash" / "endsong_0.json").write_text("[]")
    (folder / ".endsong_1.json").write_text("[]")
    names = [member.name for member in Export(folder, scratch=tmp_path).members]
    assert names == [".endsong_1.json", "StreamingHistory_music_0.json"]


def test_a_zip_of_too_many_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(export_files, "MAX_MEMBERS", 2)
    assert len(zipped(tmp_path / "x.zip", {"a": "1", "b": "2"}).members) == 2
    with pytest.raises(DataError, match=r"y.zip holds 3 entries; at most 2 are read"):
        zipped(tmp_path / "y.zip", {"a": "1", "b": "2", "c": "3"})


def test_a_zip_packed_in_another_way(tmp_path):
    zipped(tmp_path / "x.zip", {"StreamingHistory_music_0.json": '[{"msPlayed": 1}]' * 99})
    raw = bytearray((tmp_path / "x.zip").read_bytes())
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        raw[raw.index(mark) + place] = 97  # WavPack
    (tmp_path / "x.zip").write_bytes(raw)
    (member,) = Export(tmp_path / "x.zip", scratch=tmp_path).members
    with (
        pytest.raises(DataError, match=r"cannot be unpacked \(.*compress.*\); unpack it by hand"),
        member.open() as stream,
    ):
        stream.read()


def test_values_that_are_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(stream_parsing, "MAX_VALUE", 32)
    monkeypatch.setattr(stream_parsing, "BLOCK", 8)
    with pytest.raises(DataError, match=r"x.csv, line 2: is longer than 64 MB; export it again"):
        list(csv_rows(table(tmp_path, b"a,b\n" + b"1" * 40), Tally()))
    cell = b'a,b\n"' + b"x" * 20 + b"\n" + b"y" * 20 + b'",1\n'
    with pytest.raises(DataError, match=r"x.csv, line 2: is no CSV \(field larger .*\); export"):
        list(csv_rows(table(tmp_path, cell), Tally()))
    (member,) = json_file(tmp_path, b'[{"a": "' + b"x" * 200 + b'"}]').members
    with pytest.raises(DataError, match=r"x.json, line 1: has a value of more than 64 MB"):
        list(json_array(member, Tally()))
