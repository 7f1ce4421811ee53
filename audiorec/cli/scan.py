"""``audiorec scan``: add audio files to the catalogue."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from audiorec.cli.common import (
    Place,
    Settings,
    echo_json,
    echo_line,
    fail_if_strict,
    jobs_option,
    json_option,
    progress_shown,
    strict_option,
)


@click.command("scan")
@click.argument("paths", nargs=-1, type=Place(path_type=Path))
@click.option(
    "--manifest",
    type=Place(dir_okay=False, path_type=Path),
    help="CSV with columns track_id,path and optionally artist,title,album,year,genre.",
)
@jobs_option
@strict_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    paths: tuple[Path, ...],
    manifest: Path | None,
    jobs: int | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Add the audio files in PATHS, and in the folders among them, to the catalogue.

    Only new and changed files are decoded; a file that was moved or retagged keeps its row, one
    that is gone is marked missing.
    """
    if bool(paths) == (manifest is not None):
        raise click.UsageError("name files or folders to scan, or a --manifest, and not both")
    from audiorec.data.catalog import Catalog
    from audiorec.pipeline import Pipeline
    from audiorec.scan import check_paths, read_manifest, scan, scan_manifest

    # Before a workspace is made for it.
    check_paths(paths)
    if manifest is not None:
        read_manifest(manifest)
    workspace = settings.workspace
    with (
        workspace.writing(),
        Catalog(workspace.catalog) as catalog,
        progress_shown() as progress,
    ):
        ahead = Pipeline(workspace).ahead()
        if manifest is not None:
            report = scan_manifest(catalog, manifest, n_jobs=jobs, also=ahead, progress=progress)
        else:
            report = scan(catalog, paths, n_jobs=jobs, also=ahead, progress=progress)
    if as_json:
        echo_json(report._asdict())
    else:
        counts = [f"{count} {what}" for what, count in report._asdict().items() if count]
        click.echo(", ".join(counts) if counts else "no audio files found")
    tell_of_playlists(paths)
    fail_if_strict(report.failed, strict=strict)


def tell_of_playlists(paths: tuple[Path, ...]) -> None:
    """Say that folders hold playlists, and how they can count as listeners."""
    from audiorec.data.importers.m3u import playlists_in

    for path in paths:
        count = len(playlists_in(path)) if path.is_dir() else 0
        if count:
            echo_line(
                f"{path} holds {count} playlist{'s' if count > 1 else ''}; to let each count as a "
                f"listener: audiorec plays {shlex.quote(str(path))} --source m3u",
                err=True,
            )
