"""``audiorec status``: describe the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audiorec.cli.options import GlobalOptions, json_option
from audiorec.cli.output import echo_json, echo_line
from audiorec.printable_text import one_line

if TYPE_CHECKING:
    from audiorec.workspace import Workspace


@click.command("status")
@click.option("--failures", is_flag=True, help="List the files that could not be read, and why.")
@click.option(
    "--suspects",
    is_flag=True,
    help="List the listeners who are left out as suspected bots, and why.",
)
@json_option
@click.pass_obj
def command(settings: GlobalOptions, failures: bool, suspects: bool, as_json: bool) -> None:
    """Show what the workspace contains: tracks, listening, and each stage's artifact."""
    from audiorec.pipeline.status import KINDS, artifact_state, catalog_state, listening_counts

    workspace = settings.workspace
    workspace.check()
    if suspects:
        show_suspects(workspace, as_json=as_json)
        return
    held, failed, notes = catalog_state(workspace)
    if failures:
        rows = [failure._asdict() for failure in [*failed, *notes]]
        if as_json:
            echo_json(rows)
        else:
            for failure in [*failed, *notes]:
                reason = failure.reason
                named = one_line(failure.path) in reason
                echo_line(
                    f"{failure.stage:5} " + (reason if named else f"{failure.path}: {reason}")
                )
        return
    held |= listening_counts(workspace)
    held["artifacts"] = {kind: artifact_state(workspace, kind) for kind in KINDS}
    if as_json:
        echo_json(held)
        return
    echo_line(f"workspace  {held['workspace']}")
    click.echo(f"tracks     {held['tracks']}")
    click.echo(f"failures   {held['failures']}" + ("  (--failures names them)" if failed else ""))
    if notes:
        click.echo(f"notes      {len(notes)}  (decoded in spite of damage; --failures names them)")
    if held["listeners"]:
        click.echo(
            f"listening  {held['plays']} plays of {held['tracks_with_listening']} tracks by "
            f"{held['listeners']} listeners"
        )
    words = [f"{count} tracks by {source}" for source, count in held["words"].items()]
    echo_line(f"words      {', '.join(words) or 'none yet: run ' + repr('audiorec tags --all')}")
    for kind, state in held["artifacts"].items():
        newer = held["stale"].get(kind)
        echo_line(f"{kind:10} {state}" + (f"; {newer}" if newer else ""))


def show_suspects(workspace: Workspace, *, as_json: bool) -> None:
    """List the listeners that the recipe's bot filter finds suspect."""
    from audiorec.data.plays import find_suspects, load_plays
    from audiorec.pipeline import current_recipe

    config = current_recipe(workspace).interactions
    suspects = find_suspects(load_plays(workspace.plays), config=config)
    if as_json:
        echo_json(suspects.to_json())
        return
    for user, rule, reason, kept in suspects.frame.select(
        "user_id", "rule", "reason", "kept"
    ).rows():
        echo_line(f"{user}  {rule}: {reason}" + ("  (kept)" if kept else ""))
    click.echo(suspects.summary() or "no suspected bots", err=True)
