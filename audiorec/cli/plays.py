"""``audiorec plays``: import listening."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.common import Settings, echo_json, json_option


@click.command("plays")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", default="csv", show_default=True, help="Format of FILE, by name.")
@json_option
@click.pass_obj
def command(settings: Settings, file: Path, source: str, as_json: bool) -> None:
    """Import listening from FILE: columns user_id,track_id,plays and optionally timestamp.

    Importing a file again replaces what it gave before. Tracks without audio are welcome: they
    make the listeners' space better.
    """
    from audiorec.data.importers import IMPORTERS

    if source not in IMPORTERS:
        raise click.BadParameter(
            f"{source!r} is not one of {', '.join(sorted(IMPORTERS))}", param_hint="--source"
        )
    from audiorec.data.interactions import import_plays

    workspace = settings.workspace
    with workspace.writing():
        report = import_plays(workspace.plays, file, source=source)
    if as_json:
        echo_json(report._asdict())
        return
    click.echo(f"{report.rows} rows of {report.users} listeners and {report.tracks} tracks")
    if report.duplicates:
        click.echo(f"{report.duplicates} duplicate rows left out", err=True)
