"""``audiorec plays``: import listening."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.common import Settings, echo_json, json_option


@click.command("plays")
@click.argument("file", type=click.Path(path_type=Path))
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

    Optional are timestamp, skipped (how many of the plays were broken off) and rating. Importing
    a file again replaces what it gave before. Tracks without audio are welcome: they make the
    listeners' space better.
    """
    from audiorec.data.importers import IMPORTERS

    if source not in IMPORTERS:
        raise click.BadParameter(
            f"{source!r} is not one of {', '.join(sorted(IMPORTERS))}", param_hint="--source"
        )
    from audiorec.data.interactions import import_plays

    workspace = settings.workspace
    with workspace.writing():
        report = import_plays(workspace.plays, file, source=source, neutral=neutral)
    if as_json:
        echo_json(report._asdict())
        return
    click.echo(f"{report.rows} rows of {report.users} listeners and {report.tracks} tracks")
    if report.skips or report.ratings:
        click.echo(f"{report.skips} rows tell of skips, {report.ratings} of liking or disliking")
    if report.duplicates:
        click.echo(f"{report.duplicates} duplicate rows left out", err=True)
