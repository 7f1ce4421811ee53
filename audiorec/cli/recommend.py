"""``audiorec recommend``: tracks for a listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audiorec.cli.answers import echo_hits
from audiorec.cli.common import Settings, json_option, space_options

if TYPE_CHECKING:
    from audiorec.recommend.vectors import Space


@click.command("recommend")
@click.argument("user")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--heard", is_flag=True, help="Also tracks that the listener has played.")
@space_options
@json_option
@click.pass_obj
def command(
    settings: Settings,
    user: str,
    k: int,
    heard: bool,
    space: Space,
    popularity: float,
    as_json: bool,
) -> None:
    """Recommend tracks to USER, a user_id of the imported listening.

    Tracks that nobody has played yet are ranked with all others, by their sound; those with few
    plays by both.
    """
    from audiorec.recommend.library import Library

    settings.workspace.check()
    library = Library(settings.workspace)
    hits = library.recommend(user, k=k, heard=heard, space=space, popularity=popularity)
    echo_hits(
        hits,
        as_json=as_json,
        asked={"user": user},
        space=space,
        k=k,
        n_tracks=lambda: len(library.catalog),
        stale=library.stale,
    )
