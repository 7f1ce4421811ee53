"""``audiorec add``: add new files with the existing model (cold start)."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.options import GlobalOptions, PathType, jobs_option, json_option, strict_option
from audiorec.cli.output import echo_json, echo_line, fail_if_strict
from audiorec.cli.progress_line import progress_shown


@click.command("add")
@click.argument("files", nargs=-1, required=True, type=PathType(path_type=Path))
@jobs_option
@strict_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions, files: tuple[Path, ...], jobs: int | None, strict: bool, as_json: bool
) -> None:
    """Scan, embed and index new FILES with the existing model: no retraining, no plays needed."""
    from audiorec.data.catalog import Catalog
    from audiorec.pipeline import Pipeline, is_within_any

    workspace = settings.workspace
    workspace.check()
    with workspace.writing(), progress_shown() as progress:
        added = Pipeline(workspace, n_jobs=jobs, progress=progress).add(files)
    with Catalog(workspace.catalog, read_only=True) as catalog:
        failed = [failure for failure in catalog.failures() if is_within_any(failure.path, files)]
    if as_json:
        echo_json({"track_ids": added, "failures": [failure._asdict() for failure in failed]})
    else:
        for track_id in added:
            echo_line(track_id)
    for failure in failed:
        echo_line(failure.reason, err=True)
    fail_if_strict(len(failed), strict=strict or not added)
    if not added:
        click.echo("no audio files found", err=True)
        raise click.exceptions.Exit(1)
