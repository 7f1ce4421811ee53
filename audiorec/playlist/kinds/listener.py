"""Listener: familiar and new tracks in a given ratio, or tracks like the last plays."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from audiorec import artifacts
from audiorec.exceptions import NotFoundError
from audiorec.playlist.entries import Pick
from audiorec.playlist.from_seeds import arrange
from audiorec.playlist.growing import GrowingPlaylist
from audiorec.playlist.request import LIKE_EACH
from audiorec.playlist.source import CandidateTracks, TrackSource, widening

HALF_LIFE = 30 * 86_400.0  # seconds after which a play's weight is half
COLD_SHARE = 0.25  # share of tracks that nobody has played among the new ones, if any
POOL = 8


class ListenerHistory(NamedTuple):
    """Play history of a listener.

    Attributes
    ----------
    weight : dict of str to float
        Plays of each track, weighted by recency; most played first.
    plays : dict of str to float
        Unweighted plays of each track.
    last : list of str
        Tracks by their last play, newest first; empty where no play has a time.
    played_by_anyone : set of str
    """

    weight: dict[str, float]
    plays: dict[str, float]
    last: list[str]
    played_by_anyone: set[str]


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose familiar and new tracks for a listener, or some like each of the last plays."""
    users = source.request.users or ("me",)
    taste = read_taste(source, users[0])
    if source.request.like_last:
        return _like_last(source, taste, n)
    n_new = round(source.request.new_share * n)
    playlist = GrowingPlaylist(source, n_spaced=n)
    reasons: dict[str, str] = {}
    familiar = source.shuffled([i for i in taste.weight if _may_come(source, i)])
    source.load(familiar[: 50 * n])
    for id_ in _take_allowed(playlist, familiar, n - n_new):
        reasons[id_] = f"familiar, {_plays(taste, id_)}"
    n_familiar = len(playlist)
    n_cold = min(round(COLD_SHARE * n_new), n_new)
    for cold, until in ((True, len(playlist) + n_cold), (False, n)):
        for k in widening(POOL * n, len(source.index)):
            ids, all_of_them = listener_search(source, users[0], k, exclude=taste.weight)
            some = [i for i in ids if not cold or i not in taste.played_by_anyone]
            why = "new, nobody has played it" if cold else "new, fits what you play"
            reasons |= dict.fromkeys(_take_allowed(playlist, some, until), why)
            if len(playlist) >= until or all_of_them:
                break
    if n_familiar < min(n - n_new, len(playlist)):
        source.note(f"only {n_familiar} familiar tracks fit; the others are new")
    n_new_found = len(playlist) - n_familiar
    for n_spaced in (n, 0):  # second attempt without spacing artists
        playlist.n_spaced = n_spaced
        for id_ in _take_allowed(playlist, familiar, n):
            reasons[id_] = f"familiar, {_plays(taste, id_)}"
        reasons |= dict.fromkeys(_take_allowed(playlist, ids, n), "new, fits what you play")
    n_familiar_now = sum(id_ in taste.weight for id_ in playlist.order)
    if n_new_found < n_new and n_familiar_now > n - n_new:
        source.note(
            f"only {len(playlist) - n_familiar_now} new tracks fit; the others are familiar"
        )
    return _ordered(source, playlist.order, reasons)


def read_taste(source: TrackSource, user: str) -> ListenerHistory:
    """Read a listener's play history; `NotFoundError` if nothing is known of them."""
    import polars as pl  # here: other kinds do not load it

    from audiorec.data.plays import load_plays

    workspace = source.library.workspace
    if not artifacts.exists(workspace.plays):
        raise NotFoundError(
            f"no listening is known, of {user!r} or anyone else; import some with "
            "'audiorec plays FILE'"
        )
    plays = load_plays(workspace.plays)
    anyone = set(plays["track_id"].unique().to_list())
    own = plays.filter(pl.col("user_id") == user)
    if not len(own):
        raise NotFoundError(
            f"unknown listener {user!r}; name a user_id of the imported listening with --user"
        )
    newest = own["timestamp"].max()
    age = (pl.lit(newest) - pl.col("timestamp")).fill_null(0 if newest is None else 4 * HALF_LIFE)
    weighed = own.with_columns(weight=pl.col("plays") * (0.5 ** (age / HALF_LIFE)))
    summed = (
        weighed.group_by("track_id")
        .agg(pl.col("weight", "plays").sum(), pl.col("timestamp").max())
        .sort(["weight", "track_id"], descending=[True, False])
    )
    timed = summed.filter(pl.col("timestamp").is_not_null())
    last = timed.sort(["timestamp", "track_id"], descending=[True, False])["track_id"].to_list()
    weight = dict(zip(summed["track_id"].to_list(), summed["weight"].to_list(), strict=True))
    counts = dict(zip(summed["track_id"].to_list(), summed["plays"].to_list(), strict=True))
    return ListenerHistory({i: w for i, w in weight.items() if w > 0}, counts, last, anyone)


def listener_search(
    source: TrackSource,
    user: str,
    k: int,
    *,
    exclude: Collection[str] = (),
    include: Collection[str] | None = None,
) -> CandidateTracks:
    """Rank tracks for a listener, best first."""
    vector = source.listener(user)
    results = source.search(
        vector[None], k, exclude=exclude, include=include, metric="inner_product"
    )
    return results[0]


def _like_last(source: TrackSource, taste: ListenerHistory, n: int) -> list[Pick]:
    """Choose three tracks like each of the last plays, as far as there is room."""
    last = [i for i in taste.last if i in source.index][: source.request.like_last]
    if not last:
        raise NotFoundError("no play has a time, so none is the last; leave like-last out")
    playlist = GrowingPlaylist(source)
    reasons: dict[str, str] = {}
    played = set(taste.weight)
    for id_ in last * LIKE_EACH:
        if len(playlist) >= n:
            break
        unit = source.units([id_])[0]
        near = playlist.nearest(unit, len(playlist), exclude=played)
        if near is not None:
            playlist.insert(near, len(playlist))
            reasons[near] = f"like {source.name(id_)}, which you played lately"
    if len(playlist) < n:
        source.note(
            f"{LIKE_EACH} like each of the last {len(last)} plays are {len(playlist)} tracks"
        )
    return _ordered(source, playlist.order, reasons)


def _take_allowed(playlist: GrowingPlaylist, ids: Iterable[str], until: int) -> list[str]:
    """Add allowed tracks in order, up to a number; return those added."""
    taken: list[str] = []
    for id_ in ids:
        if len(playlist) >= until:
            break
        if playlist.allows(id_):
            playlist.insert(id_, len(playlist))
            taken.append(id_)
    return taken


def _may_come(source: TrackSource, id_: str) -> bool:
    if id_ in source.exclude or (source.include is not None and id_ not in source.include):
        return False
    return id_ in source.index


def _plays(taste: ListenerHistory, id_: str) -> str:
    count = taste.plays[id_]
    return "played once" if count == 1 else f"played {count:.10g} times"


def _ordered(source: TrackSource, ids: list[str], reasons: dict[str, str]) -> list[Pick]:
    """Order tracks smoothly, with artists spaced if possible."""
    window = max(1, source.request.artist_window)
    rows = arrange(source.units(ids), [source.artist(id_) for id_ in ids], window=window)
    return [Pick(id_, reasons[id_]) for id_ in source.smooth(ids, rows)]
