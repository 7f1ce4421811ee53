"""Every playlist format read back by a small reader of its own."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiorec.data.playlist_files import PathMap
from audiorec.data.playlist_files.reading import OWN
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.playlist import WRITERS, write_playlist
from audiorec.playlist.writers import XSPF, clean


@dataclass(frozen=True)
class Row:
    track_id: str
    path: str
    artist: str | None = None
    title: str | None = None
    album: str | None = None
    duration: float | None = None


NAMES = st.none() | st.text(st.characters(), max_size=12)
PARTS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
PATHS = st.lists(PARTS.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
ROWS = st.lists(
    st.builds(
        Row,
        track_id=st.text(st.characters(exclude_categories=["Cs"])),
        path=PATHS,
        artist=NAMES,
        title=NAMES,
        album=NAMES,
        duration=st.none() | st.floats(0, 1e5),
    ),
    max_size=5,
)
FILES = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read_m3u8(file: Path) -> list[tuple[int, str, str]]:
    """What a player sees: pairs of an #EXTINF line and a path."""
    lines = file.read_bytes().decode("utf-8", errors="surrogateescape").split("\n")
    assert lines[0] == "#EXTM3U"
    assert lines[-1] == ""
    told = ("#PLAYLIST:", "#EXTALB:", "#EXTART:", OWN)
    body = [line for line in lines[1:-1] if not line.startswith(told)]
    pairs = []
    for info, path in zip(body[::2], body[1::2], strict=True):
        seconds, name = info.removeprefix("#EXTINF:").split(",", 1)
        pairs.append((int(seconds), name, path))
    return pairs


def read_uri(uri: str) -> str:
    return os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))


def read_xspf(file: Path) -> list[dict[str, str]]:
    root = ElementTree.parse(file).getroot()
    assert root.tag == f"{{{XSPF}}}playlist"
    assert root.get("version") == "1"
    rows = root.find(f"{{{XSPF}}}trackList")
    assert rows is not None
    return [
        {field.tag.removeprefix(f"{{{XSPF}}}"): field.text or "" for field in row} for row in rows
    ]


@FILES
@given(rows=ROWS)
def test_m3u8_round_trip(tmp_path, rows):
    written = write_playlist(rows, tmp_path / "list.m3u8", title="Two\nlines")
    carried = [row for row in rows if row.path.splitlines() == [row.path]]
    read = read_m3u8(written.file)
    assert [path for _, _, path in read] == [row.path for row in carried]
    assert (written.n_tracks, len(written.skipped)) == (len(carried), len(rows) - len(carried))
    for (seconds, name, _), row in zip(read, carried, strict=True):
        assert seconds == (round(row.duration) if row.duration else -1)
        assert clean(row.title or Path(row.path).stem) in name
        assert clean(row.artist or "") in name


@FILES
@given(rows=ROWS)
def test_json_round_trip(tmp_path, rows):
    write_playlist(rows, tmp_path / "list.json", title="x")
    read = json.loads((tmp_path / "list.json").read_bytes())["tracks"]
    assert [row.pop("rank") for row in read] == list(range(1, len(rows) + 1))
    assert [Row(**row) for row in read] == rows


@FILES
@given(rows=ROWS)
def test_csv_round_trip(tmp_path, rows):
    write_playlist(rows, tmp_path / "list.csv")
    text = (tmp_path / "list.csv").read_bytes().decode()
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["path"] for row in read] == [row.path for row in rows]
    assert [row["track_id"] for row in read] == [row.track_id for row in rows]
    assert [row["title"] for row in read] == [clean(row.title or "") for row in rows]


@FILES
@given(rows=ROWS)
def test_xspf_and_jspf_round_trip(tmp_path, rows):
    write_playlist(rows, tmp_path / "list.xspf", title="x\x00y")
    write_playlist(rows, tmp_path / "list.jspf", title="x\x00y")
    said = json.loads((tmp_path / "list.jspf").read_bytes())["playlist"]
    assert said["title"] == "x y"
    for xspf, jspf, row in zip(read_xspf(tmp_path / "list.xspf"), said["track"], rows, strict=True):
        assert read_uri(xspf["location"]) == read_uri(jspf["location"][0]) == row.path
        assert xspf["title"] == jspf["title"] == clean(row.title or Path(row.path).stem)
        assert xspf.get("creator", "") == jspf.get("creator", "") == clean(row.artist or "")
        assert xspf.get("album", "") == jspf.get("album", "") == clean(row.album or "")
        assert ("duration" in xspf) == ("duration" in jspf) == bool(row.duration)
        if row.duration:
            assert int(xspf["duration"]) == jspf["duration"] == round(1000 * row.duration)


@pytest.fixture(scope="module")
def schemas():
    """What says of a file whether it is valid: RELAX NG for XSPF, JSON Schema for JSPF."""
    from jsonschema import Draft202012Validator
    from lxml import etree

    folder = Path(__file__).parents[2] / "data/playlists"
    relax = etree.RelaxNG(etree.parse(folder / "xspf-1_0.7.rng"))
    jspf = Draft202012Validator(json.loads((folder / "jspf.schema.json").read_bytes()))
    return {
        "xspf": lambda file: relax.validate(etree.parse(file)),
        "jspf": lambda file: jspf.is_valid(json.loads(file.read_bytes())),
    }


@pytest.mark.parametrize("format_", ["xspf", "jspf"])
@pytest.mark.parametrize("relative", [False, True])
@settings(FILES, max_examples=30)
@given(rows=ROWS, title=NAMES)
def test_valid_by_the_schema(tmp_path, schemas, format_, relative, rows, title):
    file = tmp_path / f"list.{format_}"
    paths = "relative" if relative else "absolute"
    write_playlist(rows, file, title=title, paths=paths)
    assert schemas[format_](file)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xspf", f'<playlist version="1" xmlns="{XSPF}"/>'),
        ("a.xspf", f'<playlist version="2" xmlns="{XSPF}"><trackList/></playlist>'),
        ("a.jspf", '{"playlist": {"track": [{"location": "a b"}]}}'),
        ("a.jspf", '{"playlist": {"track": [{"duration": 1.5}]}}'),
    ],
)
def test_the_schemas_refuse_what_is_wrong(tmp_path, schemas, name, text):
    (tmp_path / name).write_text(text)
    assert not schemas[name[2:]](tmp_path / name)


def test_m3u8_as_it_stands(tmp_path):
    rows = [
        Row("1", "/music/Björk/Jóga.mp3", "Björk", "Jóga", "Homogenic", 305.6),
        Row("2", "/music/#1.flac"),
        Row("3", "/music/two\nlines.mp3", "A", "B"),
    ]
    written = write_playlist(rows, tmp_path / "a.m3u8", title="Mine")
    assert written.file.read_text(encoding="utf-8") == (
        "#EXTM3U\n#CREATOR:audiorec\n#PLAYLIST:Mine\n"
        "#EXTINF:306,Björk - Jóga\n#EXTALB:Homogenic\n#EXTART:Björk\n"
        "/music/Björk/Jóga.mp3\n"
        "#EXTINF:-1,#1\n/music/#1.flac\n"
    )
    assert written.n_tracks == 2
    assert written.skipped == (
        "'/music/two\\nlines.mp3' holds a line break, which M3U8 cannot carry; "
        "rename it, or write xspf, jspf or json",
    )


def test_relative_paths(tmp_path):
    rows = [Row("1", str(tmp_path / "a/b.mp3")), Row("2", str(tmp_path / "lists/#c.mp3"))]
    written = write_playlist(rows, tmp_path / "lists/x.m3u8", paths="relative")
    paths = [path for _, _, path in read_m3u8(written.file)]
    assert paths == ["../a/b.mp3", "./#c.mp3"]
    for path, row in zip(paths, rows, strict=True):
        assert os.path.normpath(written.file.parent / path) == row.path
    write_playlist(rows, tmp_path / "lists/x.xspf", paths="relative")
    assert [row["location"] for row in read_xspf(tmp_path / "lists/x.xspf")] == [
        "../a/b.mp3",
        "./%23c.mp3",
    ]


def test_remapped_paths(tmp_path):
    rows = [Row("1", "/music/a b/c.mp3"), Row("2", "/music/new/d.mp3"), Row("3", "/musical/e.mp3")]
    path_map = [PathMap("/music", "/mnt/nas"), PathMap("/music/new/", "M:\\New")]
    write_playlist(rows, tmp_path / "x.m3u8", path_map=path_map)
    assert [path for _, _, path in read_m3u8(tmp_path / "x.m3u8")] == [
        "/mnt/nas/a b/c.mp3",
        "M:\\New\\d.mp3",
        "/musical/e.mp3",
    ]
    write_playlist(rows, tmp_path / "x.xspf", path_map=path_map)
    assert [row["location"] for row in read_xspf(tmp_path / "x.xspf")] == [
        "file:///mnt/nas/a%20b/c.mp3",
        "file:///M:/New/d.mp3",
        "file:///musical/e.mp3",
    ]
    with pytest.raises(ParameterError, match="cannot be mapped"):
        write_playlist(rows, tmp_path / "y.m3u8", path_map=path_map, paths="relative")


@pytest.mark.parametrize("format", WRITERS)
def test_file_names_that_are_not_utf8(tmp_path, format):
    path = os.fsdecode(b"/music/\xff\xe9.mp3")
    write_playlist([Row("1", path)], tmp_path / "x", format_=format)
    content = (tmp_path / "x").read_bytes()
    text = content.decode(errors="surrogateescape")
    read = {
        "csv": lambda: next(csv.DictReader(io.StringIO(text)))["path"],
        "m3u8": lambda: read_m3u8(tmp_path / "x")[0][2],
        "json": lambda: json.loads(content)["tracks"][0]["path"],
        "xspf": lambda: read_uri(read_xspf(tmp_path / "x")[0]["location"]),
        "jspf": lambda: read_uri(json.loads(content)["playlist"]["track"][0]["location"][0]),
    }[format]()
    assert os.fsencode(read) == b"/music/\xff\xe9.mp3"


@pytest.mark.parametrize("format", WRITERS)
def test_written_whole_or_not_at_all(tmp_path, format):
    file = tmp_path / "there"
    file.mkdir()
    with pytest.raises(ArtifactError, match=r"there cannot be written \(Is a directory\); "):
        write_playlist([], file, format_=format)
    assert list(tmp_path.iterdir()) == [file]
    (tmp_path / "list").write_text("before")
    with pytest.raises(ParameterError, match="paths='nowhere'"):
        write_playlist([Row("1", "/a")], tmp_path / "list", format_=format, paths="nowhere")
    assert (tmp_path / "list").read_text() == "before"


def test_unknown_format(tmp_path):
    with pytest.raises(ParameterError, match="format='pls' must be one of m3u8, json, xspf, jspf"):
        write_playlist([], tmp_path / "a.pls")


def test_previews_are_options_of_vlc_and_stand_in_json(tmp_path):
    rows = [Row("1", "/a.mp3", "A", "B"), Row("2", "/b.mp3")]
    previews = {"1": (61.5, 76.5)}
    text = write_playlist(rows, tmp_path / "a.m3u8", previews=previews).file.read_text()
    assert "#EXTVLCOPT:start-time=61.5\n#EXTVLCOPT:stop-time=76.5\n/a.mp3\n" in text
    assert text.count("EXTVLCOPT") == 2
    file = write_playlist(rows, tmp_path / "a.json", previews=previews).file
    first, second = json.loads(file.read_text())["tracks"]
    assert first["preview"] == {"start": 61.5, "end": 76.5} and "preview" not in second
    for format_ in ("xspf", "jspf", "csv"):
        with pytest.raises(ParameterError, match="cannot hold previews"):
            write_playlist(rows, tmp_path / f"a.{format_}", previews=previews)
        assert not (tmp_path / f"a.{format_}").exists()


def test_paths_of_windows_are_addresses(tmp_path):
    rows = [Row("1", "\\\\nas\\Music a\\b.mp3"), Row("2", "C:\\Music a\\b.mp3")]
    write_playlist(rows, tmp_path / "x.xspf")
    assert [row["location"] for row in read_xspf(tmp_path / "x.xspf")] == [
        "file://nas/Music%20a/b.mp3",
        "file:///C:/Music%20a/b.mp3",
    ]
