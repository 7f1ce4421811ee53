"""``audiorec doctor``: what is wrong with the workspace, every byte read."""

from __future__ import annotations

import click

from audiorec.cli.common import Settings, echo_json, echo_line, json_option


@click.command("doctor")
@json_option
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Check every artifact against its digests, and the stages against each other.

    Exits with 1 when something needs mending; each line says which command does it. Files that
    are gone, or that could not be read when they were scanned, are told of and are no damage.
    """
    from audiorec.doctor import diagnose

    workspace = settings.workspace
    workspace.check()
    found = diagnose(workspace)
    if as_json:
        echo_json(found._asdict())
    else:
        for line in (*found.problems, *found.notes):
            echo_line(line)
        if not found.problems:
            click.echo("nothing needs mending")
    if found.problems:
        raise click.exceptions.Exit(1)
