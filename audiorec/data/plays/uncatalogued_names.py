"""Names of tracks known from listening alone, in histories and data sets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from audiorec import artifacts
from audiorec.data.catalog import Track

if TYPE_CHECKING:
    import polars as pl

# Imports in functions: answers without such names start without polars.

KIND = "plays"
NAMES = "names.parquet"
"""Names in imported histories, and their tracks."""
TITLES = "titles-"
"""Prefix of the tables of names of data sets, followed by the name of the set."""
COLUMNS = ("track_id", "artist", "title", "album")
"""Columns of these tables, all text."""


class PlayedNames:
    """Artists and titles of tracks without a catalogued file.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; without one no track has a name.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def any(self) -> bool:
        """Whether there are any names."""
        return self._names is not None

    def tracks(self, track_ids: Collection[str]) -> dict[str, Track]:
        """Tracks of ids, by id; those without a name are ignored.

        As the catalogue has tracks without a file: their path is their id.
        """
        if self._names is None:
            return {}
        import polars as pl

        wanted = pl.Series(sorted(track_ids), dtype=pl.String)
        named = self._names.filter(pl.col("track_id").is_in(wanted.implode())).collect()
        return {row[0]: Track(row[0], *row) for row in named.iter_rows()}

    def ids_by_name(self, name: str) -> list[str]:
        """Ids of the tracks with a title, or ``"Artist - Title"``; case is ignored."""
        if self._names is None:
            return []
        import polars as pl

        artist, title = (pl.col(column).str.to_lowercase() for column in ("artist", "title"))
        whole = pl.concat_str(artist, title, separator=" - ")
        fits = self._names.filter((title == name.lower()) | (whole == name.lower()))
        return fits.select(pl.col("track_id").unique().sort()).collect()["track_id"].to_list()

    def search(self, words: Sequence[str]) -> list[Track]:
        """Tracks with all of some folded words in their artist, title and album."""
        if self._names is None:
            return []
        import polars as pl

        text = pl.concat_str("artist", "title", "album", separator=" ").str.normalize("NFKD")
        folded = text.str.replace_all(r"\p{Mn}", "").str.to_lowercase()
        fits = pl.all_horizontal(folded.str.contains(word, literal=True) for word in words)
        found = self._names.filter(fits).unique("track_id").collect()
        return [Track(row[0], *row) for row in found.iter_rows()]

    @cached_property
    def _names(self) -> pl.LazyFrame | None:
        """The `COLUMNS`; an id may occur twice. None if there are no names."""
        plays = artifacts.load_valid(self._directory, kind=KIND, check="manifest")
        files = {} if plays is None else plays.files
        named = {name: entry for name, entry in files.items() if not is_part(name)}
        if not named:
            return None
        import polars as pl

        frames = []
        for name, entry in named.items():
            frame = pl.scan_parquet(self._directory / entry.file)
            if name == NAMES:
                unmatched = pl.col("track_id").is_null()
                frame = frame.filter(unmatched).with_columns(track_id="name_id")
            frames.append(frame.select(COLUMNS))
        return pl.concat(frames)


def is_part(name: str) -> bool:
    """Whether a stored file is a part, not a table of names."""
    return name != NAMES and not name.startswith(TITLES)
