"""``audiorec scan``: add audio files to the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.options import GlobalOptions, PathType, jobs_option, json_option, strict_option
from audiorec.cli.output import echo_json, echo_line, echo_notice, fail_if_strict
from audiorec.cli.progress_line import progress_shown

if TYPE_CHECKING:
    from audiorec.data import FolderPlaylists
    from audiorec.data.catalog import Catalog


@click.command("scan")
@click.argument("paths", nargs=-1, type=PathType(path_type=Path))
@click.option(
    "--manifest",
    type=PathType(dir_okay=False, path_type=Path),
    help="CSV with columns track_id,path and optionally artist,title,album,year,genre.",
)
@click.option(
    "--playlists/--no-playlists",
    default=True,
    show_default=True,
    help="Count each playlist (M3U, PLS, XSPF, JSPF) in the folders as a listener.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Skip matching files, as in a .gitignore; repeatable.",
)
@click.option(
    "--descriptors", is_flag=True,
    help="Measure tempo, key, loudness, brightness and energy in the same pass; once measured, "
    "new files are always measured.",
)  # fmt: skip
@click.option(
    "--recipe",
    "recipe_file",
    type=PathType(path_type=Path),
    help="The recipe that 'run' will use, so that its spectrograms are computed in the same pass: "
    "a file, or a shipped recipe by name. [default: the default of 'run']",
)
@click.option("--force", is_flag=True, help="Decode unchanged files again.")
@jobs_option
@strict_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    paths: tuple[Path, ...],
    manifest: Path | None,
    playlists: bool,
    exclude: tuple[str, ...],
    descriptors: bool,
    recipe_file: Path | None,
    force: bool,
    jobs: int | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Add the audio files in PATHS, and in the folders among them, to the catalogue.

    Only new and changed files are decoded, and their spectrograms computed in the same pass. A
    file that was moved or retagged stays the same track; a deleted one is marked missing. Playlists
    in the folders count as listeners, except those that audiorec wrote. Hidden files, recycle bins,
    folders with a .nomedia, and files named in .audiorecignore, .ndignore or .plexignore are
    skipped.
    """
    if bool(paths) == (manifest is not None):
        raise click.UsageError("name files or folders to scan, or a --manifest, but not both")
    from audiorec.cli.plays import catalogued_paths
    from audiorec.data import import_folder_playlists, remove_folder_playlists
    from audiorec.data.catalog import Catalog
    from audiorec.pipeline import Pipeline, read_recipe, take_scanned
    from audiorec.pipeline.name_matcher import rematch_plays
    from audiorec.scan import check_paths, read_manifest, record_scan, scan, scan_manifest

    # Before a workspace is created for it.
    check_paths(paths)
    if manifest is not None:
        read_manifest(manifest)
    recipe = read_recipe(recipe_file, notify=echo_notice) if recipe_file else None
    workspace = settings.workspace
    with (
        workspace.writing(),
        Catalog(workspace.catalog) as catalog,
        progress_shown() as progress,
    ):
        also = Pipeline(workspace, recipe=recipe).scan_also(descriptors=descriptors)
        how: dict[str, Any] = {"force": force, "n_jobs": jobs, "also": also, "progress": progress}
        if manifest is not None:
            report = scan_manifest(catalog, manifest, **how)
        else:
            report = scan(catalog, paths, exclude=exclude, **how)
            record_scan(workspace, paths)
        take_scanned(workspace, catalog)
        folder_playlists: list[FolderPlaylists] = []
        if playlists:
            folder_playlists = import_folder_playlists(
                workspace.plays, paths, paths=lambda: catalogued_paths(catalog)
            )
        else:
            remove_folder_playlists(workspace.plays, paths)
        unread = record_unread(catalog, folder_playlists)
        # Plays of files that were not in the catalogue before now belong to its tracks.
        if report.added or report.changed or report.moved or report.missing:
            rematch_plays(workspace, progress=progress)
    if as_json:
        echo_json(report._asdict())
    else:
        counts = [f"{count} {what}" for what, count in report._asdict().items() if count]
        click.echo(", ".join(counts) if counts else "no audio files found")
    report_playlists(folder_playlists)
    fail_if_strict(report.failed + unread, strict=strict)


def record_unread(catalog: Catalog, playlists: Sequence[FolderPlaylists]) -> int:
    """Record the playlists that could not be read, and why; return how many."""
    unread = [problem for each in playlists for problem in each.unread]
    for path, reason in unread:
        catalog.record_failure(path, stage="playlists", reason=reason)
    return len(unread)


def report_playlists(playlists: Sequence[FolderPlaylists]) -> None:
    """Report how many playlists count as listeners, and which could not be read."""
    from audiorec.cli.plays import name_missing

    for folder, report, reason, unread in playlists:
        if report is None:
            echo_line(f"{folder}: no playlist counts as a listener: {reason}", err=True)
            continue
        lists = f"{report.users} playlists count as listeners"
        lists = lists if report.users > 1 else "1 playlist counts as a listener"
        notes = ""
        if report.unknown:
            verb = "are" if report.unknown > 1 else "is"
            notes = f"; {report.unknown} of the files named {verb} not in the catalogue"
        if unread:
            notes += f"; {len(unread)} could not be read: see 'audiorec status --failures'"
        echo_line(
            f"{folder}: {lists} of {report.tracks} tracks{notes} (--no-playlists turns this off)",
            err=True,
        )
        name_missing(report.missing)
