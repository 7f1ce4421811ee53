"""Lookup of tracks in a catalogue by id, path, audio or name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from audiorec.data.catalog.connection import CatalogFile
from audiorec.data.catalog.name_search import prefix_matches, searchable, trigram_matches
from audiorec.data.catalog.records import Failure, Track, artist_key, as_text, stored_path
from audiorec.data.catalog.row_mapping import TRACK_COLUMNS, track_of
from audiorec.data.names import closest, normalize_text
from audiorec.data.names.fuzzy_search import CLEAR, CLOSE
from audiorec.exceptions import AmbiguousNameError, NotFoundError
from audiorec.printable_text import one_line

NOTE = "note"  # stage of defects of files that are used all the same


class TrackLookup(CatalogFile):
    """Lookup of tracks, and of files that could not be read."""

    def get(self, track_id: str) -> Track:
        """Get the track of an id, missing or not; `NotFoundError` if there is none."""
        tracks = self._tracks("WHERE track_id = ?", [track_id])
        if not tracks:
            raise NotFoundError(
                one_line(f"unknown track {track_id!r}; look it up in 'audiorec status'")
            )
        return tracks[0]

    def get_many(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """Get the tracks of ids, missing or not, by id; unknown ids are ignored."""
        wanted = json.dumps(list(track_ids))
        tracks = self._tracks("WHERE track_id IN (SELECT value FROM json_each(?))", [wanted])
        return {track.track_id: track for track in tracks}

    def find(self, name: str) -> Track:
        """Find the track that a person means.

        Parameters
        ----------
        name : str
            An id, a path, ``"Artist - Title"`` or a title; failing those, a similar name.

        Raises
        ------
        AmbiguousNameError
            If several recordings have the name; they are its candidates.
        NotFoundError
            If no track has it; the message lists similar names.
        """
        path = os.path.abspath(name) if name else ""  # noqa: PTH100 - links stay as they are
        for clause, values in (
            ("track_id = ?", [name]),
            ("path = ?", [stored_path(path)]),
            ("name_key = ?1 OR title_key = ?1", [normalize_text(name)]),
        ):
            try:
                tracks = self._tracks(f"WHERE {clause} ORDER BY missing, track_id", values)
            except UnicodeEncodeError:  # undecodable bytes are in no id and no title
                continue
            if tracks:
                return _one_track(name, tracks)
        try:
            return self._find_close(name)
        except NotFoundError:
            # The name of an artist or an album with a single track means that track.
            tracks = [track for track in self._of_name(name) if not track.missing]
            if len(tracks) == 1:
                return tracks[0]
            raise

    def _of_name(self, name: str) -> list[Track]:
        """Tracks of the artist, or else of the album, of a name."""
        by_artist = list(self.get_many(self.by_artist(name)).values())
        if by_artist or not name.strip():
            return by_artist
        try:
            return self._tracks("WHERE album = ? COLLATE NOCASE LIMIT 2", [name.strip()])
        except UnicodeEncodeError:  # undecodable bytes are in no album's name
            return []

    def at(self, path: str | Path) -> Track | None:
        """Get the track whose file is at a path, missing or not."""
        place = os.path.abspath(path)  # noqa: PTH100 - links stay as they are
        tracks = self._tracks("WHERE path = ?", [stored_path(place)])
        return tracks[0] if tracks else None

    def with_clip_hash(self, clip_hash: str) -> Track | None:
        """Get a track with exactly this audio; see `audiorec.audio.clip_hash`."""
        tracks = self._tracks("WHERE clip_hash = ? ORDER BY missing, track_id LIMIT 1", [clip_hash])
        return tracks[0] if tracks else None

    def by_artist(self, artist: str) -> list[str]:
        """Ids of an artist's tracks, missing ones too, sorted; none for `NOBODY`'s name."""
        key = artist_key(artist, track_id="")
        if key == artist_key("", track_id=""):
            return []
        names = [
            name
            for (name,) in self._rows("SELECT DISTINCT artist FROM tracks WHERE artist <> ''")
            if artist_key(name, track_id="") == key
        ]
        marks = ", ".join("?" * len(names))
        rows = self._rows(
            f"SELECT track_id FROM tracks WHERE artist IN ({marks}) ORDER BY track_id", names
        )
        return [track_id for (track_id,) in rows]

    def failures(self) -> list[Failure]:
        """Files that could not be used, ordered by path and stage."""
        return self._failures("<>")

    def notes(self) -> list[Failure]:
        """Files that are used in spite of a defect, ordered by path."""
        return self._failures("=")

    def _failures(self, relation: str) -> list[Failure]:
        rows = self._rows(
            f"SELECT path, stage, reason FROM failures WHERE stage {relation} ?"
            " ORDER BY path, stage",
            [NOTE],
        )
        return [Failure(*row) for row in rows]

    def _tracks(self, clause: str, values: Sequence[Any] = ()) -> list[Track]:
        return [
            track_of(row)
            for row in self._rows(f"SELECT {TRACK_COLUMNS} FROM tracks {clause}", values)
        ]

    def _find_close(self, name: str) -> Track:
        folded = normalize_text(name)
        with self._named_errors():
            begun = prefix_matches(self._db, folded)
            near = [*begun, *trigram_matches(self._db, folded)] if searchable(self._db) else None
        rows = self._rows(
            "SELECT track_id, name_key, title_key FROM tracks"
            + ("" if near is None else " WHERE track_id IN (SELECT value FROM json_each(?))")
            + " ORDER BY missing, track_id",
            [] if near is None else [json.dumps(near)],
        )
        keys = [key for row in rows for key in row[1:]]
        by_id: dict[str, float] = {}
        for position, score in closest(folded, keys, limit=20):
            by_id.setdefault(rows[position // 2][0], score)
        tracks = [self.get(track_id) for track_id in list(by_id)[:5]]
        failed = self.failures()
        for failure in failed:
            path = Path(failure.path)
            if name in (path.name, path.stem) or failure.path == as_text(os.path.abspath(name)):  # noqa: PTH100 - links stay
                raise NotFoundError(
                    one_line(
                        f"{name!r} could not be read: {failure.reason} "
                        "('audiorec status --failures' lists all such files)"
                    )
                )
        scores = list(by_id.values())
        if scores and scores[0] >= CLOSE:
            level = [t for t, s in zip(tracks, scores, strict=False) if s > scores[0] - CLEAR]
            return _one_track(name, level)
        shown = list(dict.fromkeys([*begun, *by_id]))[:5]
        tracks = [self.get(track_id) for track_id in shown]
        hint = "; did you mean " + ", ".join(map(repr, _labels(tracks))) + "?" if tracks else ""
        remedy = hint or "; give its id, its path or 'Artist - Title'"
        if failed:
            files = "1 file" if len(failed) == 1 else f"{len(failed)} files"
            remedy += f" ({files} could not be read: see 'audiorec status --failures')"
        raise NotFoundError(one_line(f"no track is called {name!r}{remedy}"))


def _labels(tracks: Sequence[Track]) -> list[str]:
    return list(dict.fromkeys(track.name for track in tracks))


def _one_track(name: str, tracks: Sequence[Track]) -> Track:
    """The one track, or the first of several whose audio is the same to the sample."""
    present = [track for track in tracks if not track.missing] or list(tracks)
    sounds = {track.clip_hash or track.track_id for track in present}
    if len(sounds) == 1:
        return present[0]
    candidates = [f"{track.track_id} ({track.name}, {track.path})" for track in present]
    raise AmbiguousNameError(
        one_line(
            f"{name!r} could be {len(present)} tracks; name one by its id: "
            + ", ".join(candidates[:5])
            + (", ..." if len(candidates) > 5 else "")
        ),
        candidates=[one_line(candidate) for candidate in candidates],
    )
