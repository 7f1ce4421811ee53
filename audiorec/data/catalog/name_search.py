"""Fuzzy search of track names by their trigrams, with SQLite's full-text search.

A misspelt name shares most of its trigrams with the right one. The rarest are the most informative,
and only these are looked up, so that the cost does not grow with the catalogue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from audiorec.data.names import strip_accents

TABLE = "name_search"
GRAM = 3  # characters
RAREST = 12  # trigrams of a name that are looked up
FEWEST = 4  # even if they have more names than are worth reading
MOST_ROWS = 20_000
CANDIDATES = 200  # names that are then compared letter by letter
PREFIXES = 20


def put_names(database: sqlite3.Connection, names: Iterable[tuple[str, str]]) -> None:
    """Add names of tracks to the search index.

    Parameters
    ----------
    database : sqlite3.Connection
        In a transaction.
    names : iterable of (str, str)
        Ids, and names normalised by `audiorec.data.names.text_folding.normalize_text`.
    """
    rows = [(track_id, strip_accents(name)) for track_id, name in names]
    drop_names(database, [track_id for track_id, _ in rows])
    database.executemany("INSERT INTO names (track_id) VALUES (?)", [row[:1] for row in rows])
    database.executemany(
        f"INSERT INTO {TABLE} (rowid, name) SELECT number, ?2 FROM names WHERE track_id = ?1",
        rows,
    )


def drop_names(database: sqlite3.Connection, track_ids: Iterable[str]) -> None:
    """Remove tracks from the search index; ids that are not in it are ignored."""
    ids = [(track_id,) for track_id in track_ids]
    database.executemany(
        f"DELETE FROM {TABLE} WHERE rowid = (SELECT number FROM names WHERE track_id = ?)", ids
    )
    database.executemany("DELETE FROM names WHERE track_id = ?", ids)


def searchable(database: sqlite3.Connection) -> bool:
    """Whether names can be searched: not in a catalogue of an older version."""
    rows = database.execute("SELECT 1 FROM main.sqlite_master WHERE name = ?", [TABLE])
    return rows.fetchone() is not None


def trigram_matches(database: sqlite3.Connection, name: str) -> list[str]:
    """Ids of the tracks whose names share the most trigrams with a name.

    Parameters
    ----------
    database : sqlite3.Connection
    name : str
        Folded.
    """
    grams = _rarest(database, trigrams(strip_accents(name)))
    if not grams:
        return []
    rows = database.execute(
        f"SELECT track_id FROM {TABLE} JOIN names ON number = {TABLE}.rowid"
        f" WHERE {TABLE} MATCH ? ORDER BY rank LIMIT {CANDIDATES}",
        [" OR ".join(f'"{gram}"' for gram in grams)],
    )
    return [track_id for (track_id,) in rows]


def prefix_matches(database: sqlite3.Connection, name: str) -> list[str]:
    """Ids of the tracks with this beginning of their title, or of artist and title."""
    if not _is_searchable(name) or len(name) < GRAM:
        return []
    after = name + "\U0010ffff"
    rows = database.execute(
        "SELECT track_id FROM tracks WHERE title_key BETWEEN ?1 AND ?2"
        " UNION SELECT track_id FROM tracks WHERE name_key BETWEEN ?1 AND ?2"
        f" LIMIT {PREFIXES}",
        [name, after],
    )
    return [track_id for (track_id,) in rows]


def trigrams(name: str) -> list[str]:
    """Trigrams of a name that a full-text query accepts."""
    grams = {name[start : start + GRAM] for start in range(len(name) - GRAM + 1)}
    return [gram.replace('"', '""') for gram in sorted(grams) if _is_searchable(gram)]


def _rarest(database: sqlite3.Connection, grams: Sequence[str]) -> list[str]:
    """The rarest of the trigrams that some name has."""
    database.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.trigrams USING fts5vocab(main, {TABLE}, 'row')"
    )
    counts = []
    for gram in grams:
        row = database.execute(
            "SELECT doc FROM temp.trigrams WHERE term = ?", [gram.replace('""', '"')]
        ).fetchone()
        if row is not None:
            counts.append((row[0], gram))
    chosen: list[str] = []
    rows = 0
    for count, gram in sorted(counts)[:RAREST]:
        rows += count
        if rows > MOST_ROWS and len(chosen) >= FEWEST:
            break
        chosen.append(gram)
    return chosen


def _is_searchable(text: str) -> bool:
    """Whether SQLite accepts a text: no null character, and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
