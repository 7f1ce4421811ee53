"""How answers are shown: a line per track, or the JSON that other programs rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from audiorec.cli.common import echo_json

if TYPE_CHECKING:
    from audiorec.library import Hit


def echo_hits(
    hits: Sequence[Hit],
    *,
    as_json: bool,
    asked: dict[str, object],
    space: str,
    k: int | None = None,
    shared: Sequence[Sequence[str]] | None = None,
) -> None:
    """Print ranked tracks.

    Parameters
    ----------
    hits : sequence of Hit
    as_json : bool
    asked : dict
        What was asked for, first in the JSON: ``{"query": [...]}`` or ``{"user": ...}``.
    space : str
        Where the vectors came from.
    k : int, optional
        How many were asked for; said on stderr when there are fewer.
    shared : sequence of sequence of str, optional
        Words that each hit shares with what was asked for.
    """
    if k is not None and len(hits) < k:
        there = f"all {len(hits)} tracks that fit are shown" if hits else "no track fits"
        click.echo(f"-k {k} is more than there are: {there}", err=True)
    if as_json:
        rows = [hit._asdict() for hit in hits]
        for row, words in zip(rows, shared or [], strict=False):
            row["shared_tags"] = list(words)
        echo_json({**asked, "space": space, "results": rows})
        return
    width = max((len(hit.track_id) for hit in hits), default=0)
    for number, hit in enumerate(hits):
        name = " - ".join(part for part in (hit.artist, hit.title) if part) or hit.path
        click.echo(f"{hit.rank:3}  {hit.score:.3f}  {hit.track_id:{width}}  {name}")
        if shared is not None:
            click.echo(f"     both: {', '.join(shared[number]) or 'no words in common'}")
