"""Playlist seeds: tracks, whole artists and albums, and playlist files of other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audiorec.data.names import closest, normalize_text
from audiorec.data.playlist_files import SUFFIXES, EntryPathMatcher, PathMap, entries, entry_path
from audiorec.embeddings import Embeddings
from audiorec.exceptions import DataError, NotFoundError, ParameterError
from audiorec.playlist.saved import PREFIX, saved_playlists
from audiorec.printable_text import one_line
from audiorec.recommend import representative_ids
from audiorec.recommend.query_resolution import is_file

if TYPE_CHECKING:
    from audiorec.playlist.request import PlaylistRequest
    from audiorec.recommend import Library, TrackFilter

LISTS = (*SUFFIXES, ".csv", ".json")
MOST_SEEDS = 12  # that represent an artist or an album


class Seeds(NamedTuple):
    """Tracks that a playlist starts from.

    Attributes
    ----------
    ids : list of str
        In order; those of `tracks` first.
    n_tracks : int
        Number of them from named tracks or lists, which may be in the playlist. Others, from
        whole artists and albums, only steer it.
    uncatalogued : Embeddings or None
        Vectors of seeds that are not in the index.
    after : list of str
        Tracks played before a radio.
    notes : tuple of str
    """

    ids: list[str]
    n_tracks: int
    uncatalogued: Embeddings | None
    after: list[str]
    notes: tuple[str, ...]


def resolve_seeds(library: Library, request: PlaylistRequest) -> Seeds:
    """Resolve the names, lists, artists and albums of a request to tracks.

    Raises
    ------
    NotFoundError, AmbiguousNameError
        If a name matches no track, or several; or a list contains no catalogued track.
    DataError
        If a list cannot be read.
    """
    notes: list[str] = []
    path_map = [PathMap.parse(text) for text in request.path_map_in]
    names = expand_lists(library, request.seeds, path_map=path_map, notes=notes)
    after = expand_lists(library, request.after, path_map=path_map, notes=notes)
    if request.starts_from_centre:
        names = [central_track(library, request.filters), *names]
    query = library.query(names, space=request.space)
    n_tracks = len(set(query.ids))
    whole = tracks_of_all(library, artists=request.artists, albums=request.albums)
    ids = list(dict.fromkeys([*query.ids, *whole]))
    played = list(dict.fromkeys(library.query(after, space=request.space).ids))
    return Seeds(ids, n_tracks, query.uncatalogued, played, tuple(notes))


def central_track(library: Library, filters: TrackFilter) -> str:
    """Return the most central matching track; `NotFoundError` if none matches."""
    excluded = library.hidden | library.catalog.missing()
    fitting = library.select(filters)
    allowed = library.index.ids if fitting is None else sorted(fitting)
    ids = [id_ for id_ in allowed if id_ not in excluded and id_ in library.index]
    if not ids:
        raise NotFoundError("no track fits what was asked for; widen the filters, or add music")
    units = library.index.embeddings().take(ids).normalized().vectors
    return ids[int((units @ units.mean(axis=0)).argmax())]


def tracks_of_all(library: Library, *, artists: Sequence[str], albums: Sequence[str]) -> list[str]:
    """Choose tracks that represent whole artists and albums, in order; see `tracks_of`."""
    named = [*(("artist", name) for name in artists), *(("album", name) for name in albums)]
    return [id_ for kind, name in named for id_ in tracks_of(library, kind, name)]


def tracks_of(library: Library, kind: str, name: str) -> list[str]:
    """Choose at most `MOST_SEEDS` tracks that represent an artist or an album.

    Raises
    ------
    NotFoundError
        If none of them is in the index.
    """
    wanted = normalize_text(name)
    if not wanted:
        raise ParameterError(f"{kind} {name!r} is not a name; give one, or leave it out")
    facts = library.catalog.facts(kind)
    ids = [id_ for id_, own in facts if normalize_text(own) == wanted]
    if not ids:
        known = sorted({own for _, own in facts if own})
        near = [known[place] for place, _ in closest(wanted, list(map(normalize_text, known)))][:3]
        hint = "; did you mean " + ", ".join(map(repr, near)) + "?" if near else "; check the name"
        what = f"by artist {name!r}" if kind == "artist" else f"on album {name!r}"
        raise NotFoundError(one_line(f"no track is {what}{hint}"))
    chosen = representative_ids(library.index, ids, MOST_SEEDS)
    if not chosen:
        raise NotFoundError(f"no track of {kind} {name!r} is in the index; run 'audiorec run'")
    return chosen


def expand_lists(
    library: Library,
    names: Sequence[str],
    *,
    path_map: Sequence[PathMap] = (),
    notes: list[str],
) -> list[str]:
    """Replace the names of playlist files and saved playlists by their tracks."""
    expanded: list[str] = []
    for name in names:
        if library.files and name.startswith(PREFIX):
            expanded += _saved(library, name.removeprefix(PREFIX), notes=notes)
        elif library.files and name.lower().endswith(LISTS) and is_file(name):
            expanded += read_list(library, Path(name), path_map=path_map, notes=notes)
        else:
            expanded.append(name)
    return expanded


def _saved(library: Library, name: str, *, notes: list[str]) -> list[str]:
    """Return the ids of a saved playlist's tracks that are in the index."""
    playlist = saved_playlists(library.workspace).named(name)
    found = [id_ for id_ in playlist.track_ids if id_ in library.index]
    if not found:
        raise NotFoundError(one_line(f"no track of the saved playlist {name!r} is in the index"))
    if missing := len(playlist.track_ids) - len(found):
        notes.append(one_line(f"{missing} tracks of {name!r} not in the index and passed over"))
    return found


def read_list(
    library: Library, file: Path, *, path_map: Sequence[PathMap] = (), notes: list[str]
) -> list[str]:
    """Read the track ids of a playlist file: M3U, PLS, XSPF, JSPF, or CSV and JSON of audiorec.

    Raises
    ------
    DataError
        If it cannot be read, or is not a playlist.
    NotFoundError
        If it contains no track of the index.
    """
    suffix = file.suffix.lower()
    ids: list[str] = []
    missing: list[str] = []
    rows = _rows(file, suffix) if suffix in (".csv", ".json") else (("", e) for e in entries(file))
    finder = EntryPathMatcher({path: id_ for id_, path in library.catalog.facts("path")})
    for track_id, entry in rows:
        id_: str | None = track_id
        if track_id not in library.index:
            path = entry_path(entry, folder=file.absolute().parent, path_map=path_map)
            id_ = finder.find(path) if entry and path is not None else None
        if id_ is None or id_ not in library.index:
            missing.append(entry or track_id)
        else:
            ids.append(id_)
    if not ids:
        named = f", {missing[0]!r} not" if missing else ""
        raise NotFoundError(one_line(f"no track that {file} names is in the index{named}"))
    if missing:
        tracks = "1 track" if len(missing) == 1 else f"{len(missing)} tracks"
        notes.append(one_line(f"{tracks} of {file} not in the index and passed over: {missing[0]}"))
    return ids


def _rows(file: Path, suffix: str) -> list[tuple[str, str]]:
    """Read ids and paths, either of which may be empty, of a CSV or JSON list."""
    try:
        text = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
        rows = (
            list(csv.DictReader(io.StringIO(text)))
            if suffix == ".csv"
            else json.loads(text)["tracks"]
        )
        named = [(str(row.get("track_id") or ""), str(row.get("path") or "")) for row in rows]
        if not all(map(any, named)):
            raise KeyError("path")
        return named
    except OSError as error:
        raise DataError(one_line(f"playlist {file} cannot be read: {error.strerror}")) from None
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error, RecursionError):
        raise DataError(
            one_line(f"playlist {file} has no rows with track_id or path; export it again")
        ) from None
