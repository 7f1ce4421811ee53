"""``audiorec forget-user``: remove a listener from everything that is stored."""

from __future__ import annotations

import click

from audiorec.cli.options import GlobalOptions, json_option
from audiorec.cli.output import echo_json, echo_line


@click.command("forget-user")
@click.argument("name")
@json_option
@click.pass_obj
def command(settings: GlobalOptions, name: str, as_json: bool) -> None:
    """Remove the listener NAME from plays, factors and sessions.

    The tracks' factors and the network were learned from all listeners together; 'audiorec run'
    makes them again without NAME, and until then there are no answers.
    """
    from audiorec.pipeline import forget

    workspace = settings.workspace
    workspace.check()
    with workspace.writing():
        gone = forget(workspace, name)
    if as_json:
        echo_json(gone._asdict())
        return
    echo_line(
        f"{name}: {gone.rows} rows of plays removed"
        + (", the factors too" if gone.factors else "")
        + (", sessions removed" if gone.sessions else "")
    )
    click.echo("run 'audiorec run' to learn without them", err=True)
