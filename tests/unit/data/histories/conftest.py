"""Exports of every format, in a folder of the test's own, and a catalogue that has their songs."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from audiorec.data import HistoryReport, add_history, open_export
from audiorec.data.histories import AUTO, Export, Listen, Tally, history, recognise
from audiorec.data.names import Matcher, Recording, TrackName
from audiorec.data.plays import writing_plays

FIXTURES = Path(__file__).parents[3] / "data" / "histories"
SONGS = {
    "feeling-good": ("Nina Simone", "Feeling Good", "I Put a Spell on You", 177.0),
    "joga": ("Björk", "Jóga", "Homogenic", 305.0),
    "here-comes-the-sun": ("The Beatles", "Here Comes the Sun", "Abbey Road", 185.0),
    "one-more-time": ("Daft Punk", "One More Time", "Discovery", 320.0),
    "idioteque": ("Radiohead", "Idioteque", "Kid A", 309.0),
    "roads": ("Portishead", "Roads", "Dummy", 305.0),
}
PATHS = {
    "feeling-good": "Nina Simone/I Put a Spell on You/04 Feeling Good.wav",
    "joga": "Björk/Homogenic/02 Jóga.wav",
    "idioteque": "Radiohead/Kid A/08 Idioteque.wav",
}
MBIDS = {
    "feeling-good": "11111111-0000-4000-8000-000000000001",
    "joga": "11111111-0000-4000-8000-000000000002",
}


def built(source: str, folder: Path) -> Path:
    """A copy of a format's fixture; databases are made of their statements."""
    target = folder / source
    shutil.copytree(FIXTURES / source, target)
    for script in target.rglob("*.sql"):
        database = sqlite3.connect(script.with_suffix(".db"))
        database.executescript(script.read_text(encoding="utf-8"))
        database.close()
        script.unlink()
    return target


@pytest.fixture
def fixture(tmp_path):
    """Makes a copy of a format's fixture."""
    return lambda source: built(source, tmp_path)


@pytest.fixture
def matcher() -> Matcher:
    """A catalogue of the songs."""
    return Matcher(
        Recording(
            track_id,
            TrackName(
                *said,
                MBIDS.get(track_id, ""),
                f"/music/{PATHS[track_id]}" if track_id in PATHS else "",
            ),
        )
        for track_id, said in SONGS.items()
    )


@pytest.fixture
def listens(tmp_path):
    """Reads an export: its listens, what was left out, and the format that it was taken for."""

    def read(path: Path, source: str = AUTO) -> tuple[list[Listen], Tally, str]:
        scratch = tmp_path / f"scratch-{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        export = Export(path, scratch=scratch)
        found = recognise(export, source=source)
        tally = Tally()
        rows = list(history(found.source).read(export, found.members, tally))
        return rows, tally, found.source

    return read


@pytest.fixture
def imported(tmp_path, matcher):
    """Imports exports into stored plays, all at once."""

    def run(*paths: Path, user: str | None = None, **how) -> list[HistoryReport]:
        with writing_plays(tmp_path / "plays", **how) as writer:
            reports = [
                add_history(
                    writer, *open_export(writer, path), user=user, matcher=lambda _: matcher
                )
                for path in paths
            ]
            writer.commit()
        return reports

    return run
