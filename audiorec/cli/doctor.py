"""``audiorec doctor``: check every byte of the workspace for damage."""

from __future__ import annotations

import click

from audiorec.cli.options import GlobalOptions, json_option
from audiorec.cli.output import echo_json, echo_line


@click.command("doctor")
@json_option
@click.pass_obj
def command(settings: GlobalOptions, as_json: bool) -> None:
    """Check every artifact against its digests, and the stages against each other.

    Exits with 1 if something needs repair; each line names the command that does it. Files that
    are gone, or that could not be read when they were scanned, are listed, but are not damage.
    """
    from audiorec.pipeline import diagnose

    workspace = settings.workspace
    workspace.check()
    diagnosis = diagnose(workspace)
    if as_json:
        echo_json(diagnosis._asdict())
    else:
        for line in (*diagnosis.problems, *diagnosis.notes):
            echo_line(line)
        if not diagnosis.problems:
            click.echo("nothing needs repair")
    if diagnosis.problems:
        raise click.exceptions.Exit(1)
