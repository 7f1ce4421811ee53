"""Data of the map page: positions, ids and colours, in the format of its script."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audiorec import artifacts
from audiorec.data.catalog import Track, given_tags
from audiorec.data.plays import stored_name
from audiorec.exceptions import ArtifactError, AudiorecError, ParameterError
from audiorec.recommend import Library
from audiorec.serve.api.common import check_listeners
from audiorec.serve.pages.render import NO_STORE, PageRequest
from audiorec.serve.problems import problem_from_error
from audiorec.serve.state import ServerState
from audiorec.serve.workspace_counts import play_summary
from audiorec.track_map import TrackMap, load_map

MOST_NAMES = 12  # with a colour of their own
UNKNOWN = 255  # colour byte of unknown values
TOP = 254
COLOURS = ("region", "genre", "artist", "year", "score")
KEPT = {"cache-control": "private, max-age=31536000, immutable"}


class VisibleMap(NamedTuple):
    """The visible tracks of the map.

    Attributes
    ----------
    version : str
        Changes with the visible tracks.
    map : TrackMap
    rows : np.ndarray [shape=(n,)], int
        Rows of the map.
    ids : tuple of str
    positions : np.ndarray [shape=(n, 2)], float32
        Coordinates from -1 to 1.
    regions : list of dict
        Name, position and number of tracks of each region.
    """

    version: str
    map: TrackMap
    rows: np.ndarray
    ids: tuple[str, ...]
    positions: np.ndarray
    regions: list[dict[str, Any]]


def map_page(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Return the data of the page template; points are loaded by its script."""
    try:
        shown = shown_map(library)
    except ArtifactError as error:
        return {"shown": None, "problem": str(error), "listeners": [], "selected": ""}
    others = [] if page_request.state.auth.has_users else play_summary(library.workspace).listeners
    return {
        "shown": shown,
        "problem": "",
        "listeners": list(dict.fromkeys([page_request.user, *others])),
        "selected": page_request.text("id"),
    }


def shown_map(library: Library) -> VisibleMap:
    """Return the map without excluded tracks.

    Raises
    ------
    ArtifactError
        If there is no map.
    """
    directory = library.workspace.map
    manifest = artifacts.load_manifest(directory, kind="map", check="manifest")
    return _shown_map(directory, manifest.fingerprint, library.hidden)


class MapEndpoints:
    """Endpoints for the script of the map page.

    Parameters
    ----------
    state : ServerState
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def points(self, request: Request) -> Response:
        """Send the positions: little-endian float32, x and y of each track."""

        def answer(shown: VisibleMap, _: Library) -> Response:
            data = shown.positions.astype("<f4").tobytes()
            return Response(data, media_type="application/octet-stream", headers=KEPT)

        return await self._answer(request, answer)

    async def ids(self, request: Request) -> Response:
        """Send the ids of the tracks in the order of the positions."""
        return await self._answer(request, lambda shown, _: JSONResponse(shown.ids, headers=KEPT))

    async def colours(self, request: Request) -> Response:
        """Send a colour byte per track, and the legend."""
        page_request = PageRequest(self._state, request, request.state.user)
        by = page_request.text("by", "region")

        def answer(shown: VisibleMap, library: Library) -> Response:
            if by not in COLOURS:
                raise ParameterError(f"by={by!r} must be one of {', '.join(COLOURS)}")
            if by == "score":
                name = page_request.text("user") or page_request.user
                check_listeners(self._state, request, [name])
                table = _score(library, shown, stored_name(name, workspace=library.workspace))
            else:
                table = _colours(self._state.library.tracks().by_id, shown, by)
            table["values"] = base64.b64encode(table["values"].tobytes()).decode()
            return JSONResponse(table, headers=NO_STORE)

        return await self._answer(request, answer)

    async def _answer(
        self, request: Request, answer: Callable[[VisibleMap, Library], Response]
    ) -> Response:
        try:
            return await self._state.library.call(
                lambda library: answer(shown_map(library), library)
            )
        except AudiorecError as error:
            return problem_from_error(error)


def _colours(by_id: Mapping[str, Track], shown: VisibleMap, by: str) -> dict[str, Any]:
    if by == "region":
        return {
            "kind": "region",
            "names": [region["name"] for region in shown.regions],
            "values": shown.map.members[shown.rows].astype(np.uint8),
        }
    tracks = [by_id.get(id_) for id_ in shown.ids]
    if by == "year":
        years = np.array([track.year if track and track.year else np.nan for track in tracks])
        return _scale(years, "year")
    name_of = _genre if by == "genre" else _artist
    return _names([name_of(track) if track else "" for track in tracks], kind=by)


def _genre(track: Track) -> str:
    return next(iter(given_tags(track.genre)), "")


def _artist(track: Track) -> str:
    return track.artist


def _names(names: Sequence[str], *, kind: str) -> dict[str, Any]:
    """Assign a colour to each of the most frequent names; the others share one."""
    counts = Counter(name for name in names if name)
    top = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_NAMES]
    number = {name: value for value, name in enumerate(top)}
    values = np.array([number.get(name, UNKNOWN) for name in names], dtype=np.uint8)
    return {"kind": kind, "names": top, "values": values}


def _scale(numbers: np.ndarray, kind: str) -> dict[str, Any]:
    """Scale numbers to bytes from the least to the greatest; NaN is unknown."""
    known = np.isfinite(numbers)
    if not known.any():
        values = np.full(len(numbers), UNKNOWN, dtype=np.uint8)
        return {"kind": kind, "low": "", "high": "", "values": values}
    low, high = float(numbers[known].min()), float(numbers[known].max())
    values = np.full(len(numbers), UNKNOWN, dtype=np.uint8)
    values[known] = np.rint((numbers[known] - low) / max(high - low, 1e-9) * TOP)
    return {"kind": kind, "low": f"{low:g}", "high": f"{high:g}", "values": values}


def _score(library: Library, shown: VisibleMap, user: str) -> dict[str, Any]:
    """Colour each track by its rank for a listener."""
    vector = library.listener_vector(user)
    placed = library.index.embeddings()
    row_of = {id_: row for row, id_ in enumerate(placed.ids)}
    rows = np.array([row_of.get(id_, -1) for id_ in shown.ids], dtype=np.int64)
    scores = (np.asarray(placed.vectors) @ vector)[rows[rows >= 0]]
    ranks = np.full(len(rows), np.nan)
    ranks[rows >= 0] = scores.argsort(kind="stable").argsort(kind="stable")
    return {**_scale(ranks, "score"), "low": "last", "high": "first"}


@lru_cache(maxsize=2)
def _shown_map(directory: Path, version: str, hidden: frozenset[str]) -> VisibleMap:
    stored = load_map(directory)
    ids = stored.layout.ids
    rows = np.array([row for row, id_ in enumerate(ids) if id_ not in hidden], dtype=np.int64)
    positions = stored.layout.positions
    low, high = positions.min(axis=0), positions.max(axis=0)
    middle, half_width = (low + high) / 2, max(float((high - low).max()) / 2, 1e-9)
    scaled = (positions[rows] - middle) / half_width
    regions = [
        {
            "name": region.name,
            "x": round(float((region.x - middle[0]) / half_width), 4),
            "y": round(float((region.y - middle[1]) / half_width), 4),
            "n": region.n_tracks,
        }
        for region in stored.regions
    ]
    shown_ids = tuple(ids[row] for row in rows)
    token = f"{version[:16]}-{len(rows)}-{hash(hidden) & 0xFFFFFFFF:x}"
    return VisibleMap(token, stored, rows, shown_ids, scaled.astype(np.float32), regions)
