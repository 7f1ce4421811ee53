"""Whatever happens to an export, it is imported, counted, or refused in one line; never by half."""

from __future__ import annotations

import sqlite3
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.data import add_history, open_export
from audiorec.data.histories import IN_COLUMNS, SOURCES
from audiorec.data.names import Matcher
from audiorec.data.plays import load_plays, writing_plays
from audiorec.exceptions import AudiorecError, DataError

from .conftest import built

STREAMED = [source for source in SOURCES if source not in IN_COLUMNS]
PIECES = [
    b"\0", b"\xff", b'"', b"{", b"[", b",", b";", b"\t", b"\n", b"<", b"]]>", b"\xef\xbb\xbf",
    b"-1", b"0", b"1e999", b"NaN", b"99999999999999999999", b"null", b"true", b"[]", b'{"a":[]}',
    b"2199-01-01T00:00:00Z", b"1900-01-01 00:00", b"\\ud800", "Ω".encode(),
]  # fmt: skip


@cache
def originals(source: str) -> tuple[tuple[str, bytes], ...]:
    with tempfile.TemporaryDirectory() as folder:
        root = built(source, Path(folder))
        return tuple(
            (path.relative_to(root).as_posix(), path.read_bytes())
            for path in sorted(root.rglob("*"))
            if path.is_file()
        )


@st.composite
def changed(draw, source: str) -> dict[str, bytes]:
    """An export of which a file is cut, or pieces are put in or in the place of others."""
    files = dict(originals(source))
    name = draw(st.sampled_from(sorted(files)))
    raw = bytearray(files[name])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        piece = draw(st.sampled_from(PIECES))
        match draw(st.sampled_from(["cut", "insert", "replace", "drop"])):
            case "cut":
                del raw[at:]
            case "insert":
                raw[at:at] = piece
            case "replace":
                raw[at : at + len(piece)] = piece
            case _:
                del raw[at : at + draw(st.integers(1, 40))]
    files[name] = bytes(raw)
    return files


@pytest.mark.parametrize("source", STREAMED)
@settings(max_examples=15, print_blob=False)
@given(data=st.data())
def test_mutated_exports(source, data):
    files = data.draw(changed(source))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "export"
        for name, raw in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(raw)
        store = Path(folder) / "plays"
        try:
            with writing_plays(store) as writer:
                report = add_history(writer, *open_export(writer, root), matcher=_empty)
                writer.commit()
        except DataError as error:
            assert len(str(error).splitlines()) == 1 and ";" in str(error)
            assert not any(store.iterdir()), "nothing is stored"
            return
        plays = load_plays(store)
        assert 1 <= len(plays) <= report.imported.rows, "counts yield to plays with times"
        assert plays["plays"].is_finite().all() and (plays["plays"] >= 0).all()
        assert plays["timestamp"].drop_nulls().is_between(788_918_400, 4e9).all()
        assert (plays["track_id"].str.len_chars() <= 512).all()


def _empty(_: bool) -> Matcher:
    return Matcher([])


@pytest.mark.parametrize("source", ["navidrome", "jellyfin", "plex", "mpd", "beets"])
def test_databases_of_another_shape(source, tmp_path, fixture):
    """With the right tables and other columns; and of text that only begins as a database."""
    (file,) = list(fixture(source).rglob("*.db"))
    raw = file.read_bytes()
    database = sqlite3.connect(file)
    tables = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        database.executescript(f"DROP TABLE {table}; CREATE TABLE {table} (uri, value, x)")
    database.commit()
    database.close()
    said = r"\.db is no such SQLite database .*; close the program that writes it"
    for content, expected in ((file.read_bytes(), said), (raw[:3000], f"{said}|has no .* in it")):
        file.write_bytes(content)
        with (
            pytest.raises(AudiorecError, match=expected),
            writing_plays(tmp_path / "plays") as writer,
        ):
            add_history(writer, *open_export(writer, file, source=source), matcher=_empty)


def test_a_schema_that_lies_far_back(fixture, tmp_path):
    """Programs that grew have theirs anywhere in the database."""
    (file,) = list(fixture("mpd").rglob("*.db"))
    database = sqlite3.connect(file)
    rows = database.execute("SELECT * FROM sticker").fetchall()
    database.execute("DROP TABLE sticker")
    columns = ", ".join(f"column_{n} TEXT" for n in range(80))
    tables = (f"CREATE TABLE table_{number} ({columns});" for number in range(100))
    database.executescript(f"BEGIN; {' '.join(tables)} COMMIT;")
    database.execute("CREATE TABLE sticker (type, uri, name, value)")
    database.executemany("INSERT INTO sticker VALUES (?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    assert b"CREATE TABLE sticker" not in file.read_bytes()[: 1 << 16]
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(file, "sticker.db")
    for path in (file, packed):
        with writing_plays(tmp_path / "plays") as writer:
            assert open_export(writer, path)[1].source == "mpd"
