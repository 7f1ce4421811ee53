"""``audiorec recommend``: tracks for a listener."""

from __future__ import annotations

import click

from audiorec.cli.answers import echo_hits
from audiorec.cli.common import Settings, json_option


@click.command("recommend")
@click.argument("user")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--heard", is_flag=True, help="Also tracks that the listener has played.")
@json_option
@click.pass_obj
def command(settings: Settings, user: str, k: int, heard: bool, as_json: bool) -> None:
    """Recommend tracks to USER, a user_id of the imported listening.

    Tracks that nobody has played yet are ranked with all others, by their sound.
    """
    from audiorec.library import Library

    settings.workspace.check()
    library = Library(settings.workspace)
    hits = library.recommend(user, k=k, heard=heard)
    echo_hits(hits, as_json=as_json, asked={"user": user}, space=library.space)
