"""``audiorec plays``: import listening."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.common import Place, Settings, echo_json, echo_line, json_option

if TYPE_CHECKING:
    from audiorec.data.catalog import Catalog
    from audiorec.workspace import Workspace


@click.command("plays")
@click.argument("file", type=Place(path_type=Path))
@click.option("--source", default="csv", show_default=True, help="Format of FILE, by name.")
@click.option(
    "--neutral",
    type=float,
    help="The rating between 1 and 5 that is neither liking nor disliking. "
    "[default: ratings are -1, 0 or 1]",
)
@json_option
@click.pass_obj
def command(
    settings: Settings, file: Path, source: str, neutral: float | None, as_json: bool
) -> None:
    """Import listening from FILE: columns user_id,track_id,plays and optionally more.

    With --source m3u, FILE is a playlist or a folder of them, and each playlist is a listener.

    Optional are timestamp, skipped (how many of the plays were broken off) and rating. Importing
    a file again replaces what it gave before. Tracks without audio are welcome: they make the
    listeners' space better.
    """
    from audiorec.data.histories.frames import BY_PATH, IMPORTERS

    if source not in IMPORTERS:
        raise click.BadParameter(
            f"{source!r} is not one of {', '.join(sorted(IMPORTERS))}", param_hint="--source"
        )
    from audiorec.data.catalog import Catalog
    from audiorec.data.plays import import_plays

    workspace = settings.workspace
    with workspace.writing():
        paths = None
        if source in BY_PATH:
            with Catalog(workspace.catalog, read_only=True) as catalog:
                paths = catalogued_paths(catalog)
        report = import_plays(workspace.plays, file, source=source, neutral=neutral, paths=paths)
    if as_json:
        echo_json(report._asdict())
        return
    click.echo(f"{report.rows} rows of {report.users} listeners and {report.tracks} tracks")
    if report.skips or report.ratings:
        click.echo(f"{report.skips} rows tell of skips, {report.ratings} of liking or disliking")
    for _, problem in report.problems:
        echo_line(f"{problem}: left out", err=True)
    nothing = "naming addresses on the web" if source in BY_PATH else "of no plays"
    for count, what in (
        (report.duplicates, "equal to an earlier one, its time included: left out"),
        (report.summed, "without a time for a listener and track told of before: added up"),
        (report.skipped, f"{nothing}: left out"),
        (report.replaced, "of an earlier import of the file: replaced"),
        (report.unknown, "naming files that are not in the catalogue: left out"),
    ):
        if count:
            echo_line(f"{file}: {count} row{'s' if count > 1 else ''} {what}", err=True)
    tell_of_unknown_tracks(workspace, file)


def catalogued_paths(catalog: Catalog) -> dict[str, str]:
    """Id of every track by the path of its file."""
    return {track.path: track.track_id for track in catalog.tracks(include_missing=True)}


def tell_of_unknown_tracks(workspace: Workspace, file: Path) -> None:
    """Say how many tracks that were played are not in the catalogue, and name one."""
    from audiorec.data.catalog import Catalog
    from audiorec.data.plays import played_tracks

    if not workspace.catalog.exists():
        return
    with Catalog(workspace.catalog, read_only=True) as catalog:
        known = {track.track_id for track in catalog.tracks(include_missing=True)}
    played = played_tracks(workspace.plays)
    unknown = [track_id for track_id in played if track_id not in known]
    if unknown and known:
        echo_line(
            f"{file}: with this, {len(unknown)} of {len(played)} tracks played have no audio in "
            f"the catalogue, {unknown[0]!r} among them; if they should have, scan with a "
            "--manifest that gives tracks these ids",
            err=True,
        )
