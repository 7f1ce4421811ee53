"""Output of ranked tracks: a line per track, or the JSON that other programs rely on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from audiorec.cli.output import echo_json, echo_line

if TYPE_CHECKING:
    from audiorec.recommend import Hit, Library
    from audiorec.sessions import SessionHit


def echo_hits(
    hits: Sequence[Hit | SessionHit],
    *,
    as_json: bool,
    request: dict[str, object],
    space: str,
    k: int | None = None,
    n_tracks: Callable[[], int] = lambda: 0,
    shared: Sequence[Sequence[str]] | None = None,
    stale: str = "",
    library: Library | None = None,
) -> None:
    """Print ranked tracks.

    Parameters
    ----------
    hits : sequence of Hit or SessionHit
    as_json : bool
    request : dict
        The query, first in the JSON: ``{"query": [...]}`` or ``{"user": ...}``.
    space : str
        Space of the vectors.
    k : int, optional
        Number of tracks requested; a shortfall is reported on stderr.
    n_tracks : callable
        Returns the number of tracks: requesting more is an error, but all of them are shown.
    shared : sequence of sequence of str, optional
        Tags that each hit shares with the query.
    stale : str
        Imports newer than the answer, see `Library.stale`; reported on stderr and in the JSON.
    library : Library, optional
        Library of the tracks; if given, the JSON includes each track's preview.
    """
    if stale:
        echo_line(stale, err=True)
    request = {**request, "stale": bool(stale)}
    beyond = False
    if k is not None and len(hits) < k:
        there = f"all {len(hits)} tracks that fit are shown" if hits else "no track fits"
        beyond = report_shortfall(k, n_tracks, fewest=len(hits), there=there)
    _show(hits, as_json=as_json, request=request, space=space, shared=shared, library=library)
    if beyond:
        click.get_current_context().exit(1)


def hit_name(hit: Hit | SessionHit) -> str:
    """Format a hit as ``"Artist - Title"``, as far as known, else as its path."""
    return " - ".join(part for part in (hit.artist, hit.title) if part) or hit.path


def preview_tables(library: Library, hits: Sequence[Hit | SessionHit]) -> list[Any]:
    """Return each hit's preview for the JSON, null without a spectrogram."""
    from audiorec import artifacts

    if not artifacts.exists(library.workspace.mels):
        return [None] * len(hits)
    from audiorec.recommend import find_previews

    ids = [hit.track_id for hit in hits]
    found = find_previews(library.workspace, library.catalog.get_many(ids).values())
    return [found[id_]._asdict() if id_ in found else None for id_ in ids]


def report_hidden(library: Library, names: Sequence[str]) -> dict[str, object]:
    """Report named tracks that are excluded from answers on stderr; return that for the JSON."""
    hidden = library.hidden_among(names)
    for track_id in hidden:
        echo_line(f"{track_id} is hidden by 'audiorec exclude'; it is started from here", err=True)
    return {"hidden": hidden} if hidden else {}


def report_shortfall(k: int, n_tracks: Callable[[], int], *, fewest: int, there: str) -> bool:
    """Report in one line on stderr that answers hold fewer than ``-k`` tracks.

    Parameters
    ----------
    k, n_tracks
        See `echo_hits`.
    fewest : int
        Length of the shortest answer.
    there : str
        Description of what is shown instead.

    Returns
    -------
    beyond : bool
        Whether the shortfall is an error, see `echo_hits`.
    """
    beyond = _exceeds_catalogue(k, n_tracks)
    remedy = f"; ask for -k {fewest} or fewer" if beyond and fewest else ""
    click.echo(f"-k {k} is more than there are: {there}{remedy}", err=True)
    return beyond


def _exceeds_catalogue(k: int, n_tracks: Callable[[], int]) -> bool:
    """Whether ``-k`` on the command line exceeds the catalogue; the default may."""
    named = click.get_current_context().get_parameter_source("k")
    return named is ParameterSource.COMMANDLINE and k > n_tracks()


def _show(
    hits: Sequence[Hit | SessionHit],
    *,
    as_json: bool,
    request: dict[str, object],
    space: str,
    shared: Sequence[Sequence[str]] | None,
    library: Library | None,
) -> None:
    if as_json:
        rows = [hit._asdict() for hit in hits]
        for row, words in zip(rows, shared or [], strict=False):
            row["shared_tags"] = list(words)
        if library is not None:
            for row, preview in zip(rows, preview_tables(library, hits), strict=True):
                row["preview"] = preview
        echo_json({**request, "space": space, "results": rows})
        return
    width = max((len(hit.track_id) for hit in hits), default=0)
    for number, hit in enumerate(hits):
        percentile = getattr(hit, "percentile", None)
        among = "" if percentile is None else f"  {percentile:5.1f} %"
        echo_line(f"{hit.rank:3}  {hit.score:.3f}{among}  {hit.track_id:{width}}  {hit_name(hit)}")
        if shared is not None:
            echo_line(f"     both: {', '.join(shared[number]) or 'no words in common'}")
