"""``audiorec add``: cold start, new files with the model as it is."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.common import Settings, echo_json, jobs_option, json_option, progress_shown


@click.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@jobs_option
@json_option
@click.pass_obj
def command(settings: Settings, files: tuple[Path, ...], jobs: int | None, as_json: bool) -> None:
    """Scan, embed and index new FILES with the model as it is: no retraining, no plays needed."""
    from audiorec.pipeline import Pipeline

    workspace = settings.workspace
    workspace.check()
    with workspace.writing(), progress_shown() as progress:
        added = Pipeline(workspace, n_jobs=jobs, progress=progress).add(files)
    if as_json:
        echo_json({"track_ids": added})
    else:
        for track_id in added:
            click.echo(track_id)
    if not added:
        click.echo("none of the files could be read: see 'audiorec status --failures'", err=True)
        raise click.exceptions.Exit(1)
