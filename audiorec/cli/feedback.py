"""``audiorec feedback``: record likes and dislikes of tracks."""

from __future__ import annotations

import click

from audiorec.cli.options import GlobalOptions, json_option
from audiorec.cli.output import echo_json, echo_line

RATINGS = {"like": 1.0, "dislike": -1.0, "clear": None}


@click.command("feedback")
@click.argument("what", type=click.Choice(list(RATINGS)))
@click.argument("track")
@click.option("--user", default="me", show_default=True, help="The listener.")
@json_option
@click.pass_obj
def command(settings: GlobalOptions, what: str, track: str, user: str, as_json: bool) -> None:
    """Record that a listener likes or dislikes TRACK, or clear that.

    It overrides the ratings of the track in every export.
    """
    from audiorec.data.catalog import Catalog
    from audiorec.data.plays import give_feedback, stored_name

    workspace = settings.workspace
    workspace.check()
    with Catalog(workspace.catalog, read_only=True) as catalog:
        match = catalog.find(track)
    with workspace.writing():
        user = stored_name(user, workspace=workspace)
        give_feedback(workspace.plays, match.track_id, user=user, rating=RATINGS[what])
    if as_json:
        echo_json({"user": user, "track_id": match.track_id, "rating": RATINGS[what]})
        return
    echo_line(f"{user}: {what} {match.name}; run 'audiorec run' to learn from it")
