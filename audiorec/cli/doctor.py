"""``audiorec doctor``: what is wrong with the workspace, every byte read."""

from __future__ import annotations

import click

from audiorec.cli.common import Settings, echo_json, json_option


@click.command("doctor")
@json_option
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Check every artifact against its digests, and the stages against each other.

    Exits with 1 when something is wrong; each line says which command mends it.
    """
    from audiorec.pipeline import diagnose

    workspace = settings.workspace
    workspace.check()
    problems = diagnose(workspace)
    if as_json:
        echo_json(problems)
    else:
        for problem in problems:
            click.echo(problem)
        if not problems:
            click.echo("nothing is wrong")
    if problems:
        raise click.exceptions.Exit(1)
