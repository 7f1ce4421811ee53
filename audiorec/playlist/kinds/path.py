"""Path: from one track to another, in even steps.

The points of a path lie on the great circle between two unit vectors (spherical interpolation,
Shoemake 1985). A track's progress along it is the angle of its projection into the plane of the
two, as a share of the whole angle: 0 at the first, 1 at the last. Progress increases from track to
track. A step without a track of its own is merged with the one before it, and another track is
inserted in the widest gap.
"""

from __future__ import annotations

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.playlist.entries import Pick
from audiorec.playlist.growing import GrowingPlaylist
from audiorec.playlist.source import POOL, TrackSource, widening

SAME = 1e-4  # angle (rad) below which two tracks coincide


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose tracks from the first seed via the others to the last, `n` in all."""
    stops = _stops(source)
    if n < len(stops):
        raise ParameterError(f"length={n} has no room for the {len(stops)} tracks of the path")
    units = source.units(stops)
    segments = [
        PathSegment(source, units[number], units[number + 1]) for number in range(len(stops) - 1)
    ]
    for segment, first, last in zip(segments, stops, stops[1:], strict=False):
        if segment.angle < SAME:
            raise ParameterError(
                f"{source.name(first)} and {source.name(last)} have the same position; there is "
                "no path between them: name another track"
            )
    playlist = GrowingPlaylist(source, stops)
    counts = _shares(np.array([segment.angle for segment in segments]), n - len(stops))
    progress: dict[str, str] = {}
    start = 1
    for segment, count, first, last in zip(segments, counts, stops, stops[1:], strict=False):
        chosen = segment.fill(playlist, start=start, count=count)
        for id_, along in chosen:
            share = f"{100 * along:.0f} % of the way"
            progress[id_] = f"{share} from {source.name(first)} to {source.name(last)}"
        start += len(chosen) + 1
    return [Pick(id_, progress.get(id_, "asked for")) for id_ in playlist.order]


def _stops(source: TrackSource) -> list[str]:
    stops = source.seeds.ids
    own = set(source.own)
    for id_ in stops[: source.seeds.n_tracks]:
        if id_ in source.library.hidden:
            raise NotFoundError(
                f"{id_!r} is hidden by 'audiorec exclude'; no path can begin, pass or end there"
            )
        if id_ not in own:
            raise NotFoundError(
                f"{id_!r} is not in the catalogue; 'audiorec add' it to let a path pass it"
            )
    if len(stops) < 2:
        raise ParameterError(
            "a path needs two different tracks, and only one was named; name another"
        )
    return stops


def _shares(angles: np.ndarray, count: int) -> list[int]:
    """Distribute `count` tracks over the segments, in proportion to their angles."""
    exact = angles / angles.sum() * count
    shares = np.floor(exact).astype(int)
    for place in np.argsort(shares - exact, kind="stable")[: count - int(shares.sum())]:
        shares[place] += 1
    return [int(share) for share in shares]


class PathSegment:
    """A segment of a path, from one unit vector to another."""

    def __init__(self, source: TrackSource, first: np.ndarray, last: np.ndarray) -> None:
        self.source = source
        cosine = float(np.clip(first @ last, -1, 1))
        self.angle = float(np.arccos(cosine))
        across = last - cosine * first
        if np.linalg.norm(across) < SAME:  # opposite to each other: through any third direction
            across = np.eye(len(first), dtype=first.dtype)[int(np.abs(first).argmin())]
            across = across - (across @ first) * first
        self.first, self.across = first, unit_norm(across[None])[0]

    def point(self, along: np.ndarray) -> np.ndarray:
        """Return the points at given progress : np.ndarray [shape=(n, d)], float32."""
        angles = np.atleast_1d(along)[:, None] * self.angle
        return np.asarray(np.cos(angles) * self.first + np.sin(angles) * self.across, np.float32)

    def along(self, units: np.ndarray) -> np.ndarray:
        """Compute the progress of unit vectors : np.ndarray [shape=(n,)]."""
        return np.asarray(np.arctan2(units @ self.across, units @ self.first) / self.angle)

    def fill(self, playlist: GrowingPlaylist, *, start: int, count: int) -> list[tuple[str, float]]:
        """Insert up to `count` tracks at `start`; return each with its progress."""
        steps = np.arange(1, count + 1) / (count + 1)
        half = 0.5 / (count + 1)
        pool = _SegmentCandidates(self, playlist)
        pool.add(steps, POOL)
        chosen: list[tuple[str, float]] = []
        for step in steps:
            low = max(chosen[-1][1] if chosen else 0.0, step - half)
            id_ = pool.best(step, low, step + half, start + len(chosen))
            if id_ is not None:
                playlist.insert(id_, start + len(chosen))
                chosen.append((id_, pool.progress[id_]))
        merged = count - len(chosen)
        while len(chosen) < count and self._widen(playlist, pool, chosen, start=start):
            pass
        if merged:
            self.source.note(
                f"{merged} of {count} steps had no track of their own and were merged; the widest "
                f"gaps were filled instead, and {len(chosen)} tracks lie on the way"
            )
        outside = self._outside(playlist, chosen, start=start, count=count)
        if outside:
            self.source.note(f"{outside} tracks lie beside the path: no others are left")
        return chosen

    def _widen(
        self,
        playlist: GrowingPlaylist,
        pool: _SegmentCandidates,
        chosen: list[tuple[str, float]],
        *,
        start: int,
    ) -> bool:
        """Insert a track in the widest gap, or in the next widest."""
        bounds = np.array([0.0, *(along for _, along in chosen), 1.0])
        for look_further in (False, True):
            for gap in np.argsort(-np.diff(bounds), kind="stable"):
                low, high = float(bounds[gap]), float(bounds[gap + 1])
                if look_further:
                    pool.add(np.array([(low + high) / 2]), len(self.source.index))
                id_ = pool.best((low + high) / 2, low, high, start + int(gap))
                if id_ is not None:
                    playlist.insert(id_, start + int(gap))
                    chosen.insert(int(gap), (id_, pool.progress[id_]))
                    return True
                if look_further:
                    continue
        return False

    def _outside(
        self, playlist: GrowingPlaylist, chosen: list[tuple[str, float]], *, start: int, count: int
    ) -> int:
        """Fill up with the nearest tracks outside the segment; return how many."""
        missing = 0
        while len(chosen) < count:
            found = self._nearest_outside(playlist, [along for _, along in chosen], start=start)
            if found is None:
                break
            id_, along, place = found
            playlist.insert(id_, start + place)
            chosen.insert(place, (id_, along))
            missing += 1
        return missing

    def _nearest_outside(
        self, playlist: GrowingPlaylist, taken: list[float], *, start: int
    ) -> tuple[str, float, int] | None:
        """Return the track nearest to the middle, its progress, and its position in the segment.

        One whose artist or album would repeat within its window is used only if there is no other.
        """
        half = self.point(np.array([0.5]))
        close = None
        for k in widening(POOL, len(self.source.index)):
            result = self.source.search(half, k, exclude=playlist.order)[0]
            alongs = self.along(self.source.units(result.ids))
            places = np.searchsorted(taken, alongs)
            for id_, along, place in zip(result.ids, alongs, places, strict=True):
                if not playlist.allows(id_):
                    continue
                found = id_, float(along), int(place)
                if not playlist.is_close(id_, start + int(place)):
                    return found
                close = close or found
            if result.all_of_them:
                break
        return close


class _SegmentCandidates:
    """Candidates of a segment, with their progress."""

    def __init__(self, segment: PathSegment, playlist: GrowingPlaylist) -> None:
        self.segment, self.playlist = segment, playlist
        self.ids: list[str] = []
        self.units = np.empty((0, playlist.source.index.dim), dtype=np.float32)
        self.places = np.empty(0)
        self.progress: dict[str, float] = {}
        self._complete = False

    def add(self, steps: np.ndarray, k: int) -> None:
        """Search candidates near some points of the segment."""
        source = self.playlist.source
        if self._complete or not len(steps):
            return
        results = source.search(self.segment.point(steps), k, exclude=self.playlist.order)
        self._complete = all(each.all_of_them for each in results)
        fresh = dict.fromkeys(id_ for each in results for id_ in each.ids)
        new = [id_ for id_ in fresh if id_ not in self.progress]
        units = source.units(new)
        along = self.segment.along(units)
        self.ids += new
        self.units = np.vstack([self.units, units])
        self.places = np.concatenate([self.places, along])
        self.progress.update(zip(new, along.tolist(), strict=True))

    def best(self, at: float, low: float, high: float, position: int) -> str | None:
        """Return the candidate nearest to a point, among those between two others."""
        between = np.flatnonzero(
            (self.places > low) & (self.places < min(high, 1.0)) & (self.places > 0.0)
        )
        if not len(between):
            return None
        likeness = self.units[between] @ self.segment.point(np.array([at]))[0]
        order = between[np.argsort(-likeness, kind="stable")]
        nearest = [self.ids[row] for row in order[:POOL]]
        return self.playlist.choose(self.playlist.source.shuffled(nearest), position) or (
            self.playlist.choose((self.ids[row] for row in order), position)
        )
