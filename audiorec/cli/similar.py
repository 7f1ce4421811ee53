"""``audiorec similar``: the nearest tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audiorec.cli.answers import echo_hits
from audiorec.cli.common import Settings, json_option, space_options

if TYPE_CHECKING:
    from audiorec.spaces import Space


@click.command("similar")
@click.argument("tracks", nargs=-1, required=True, metavar="TRACK_OR_FILE...")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@space_options
@json_option
@click.pass_obj
def command(
    settings: Settings,
    tracks: tuple[str, ...],
    k: int,
    space: Space,
    popularity: float,
    as_json: bool,
) -> None:
    """Show the tracks nearest to TRACK, or to what several tracks have in common.

    A track is named by its id, by "Artist - Title", by a title that only one track has, or by a
    path; a file that is not in the catalogue is listened to first.
    """
    from audiorec.library import Library

    settings.workspace.check()
    library = Library(settings.workspace)
    hits = library.similar(tracks, k=k, space=space, popularity=popularity)
    echo_hits(hits, as_json=as_json, asked={"query": list(tracks)}, space=space, k=k)
