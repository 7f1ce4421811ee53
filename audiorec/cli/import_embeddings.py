"""``audiorec import``: vectors from other programs."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.options import GlobalOptions, PathType, json_option
from audiorec.cli.output import echo_json, echo_line
from audiorec.cli.stages import memory_option


@click.command("import")
@click.argument("what", type=click.Choice(["embeddings"]))
@click.argument("file", type=PathType(dir_okay=False, path_type=Path))
@click.option(
    "--tracks",
    type=PathType(dir_okay=False, path_type=Path),
    help="CSV of the tracks: track_id and any of path, artist, title, album, year and genre. "
    "[default: tracks are known by their ids]",
)
@click.option("--replace", is_flag=True, help="Replace the vectors imported before.")
@memory_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    what: str,
    file: Path,
    tracks: Path | None,
    replace: bool,
    memory: str | None,
    as_json: bool,
) -> None:
    """Import vectors computed elsewhere, from a Parquet FILE as 'export' writes them.

    The columns are track_id and vector, a list of numbers. Imported vectors need a separate
    workspace, where 'similar' and 'playlist' use them.
    """
    from audiorec.external_embeddings import import_embeddings
    from audiorec.index import IndexConfig

    config = IndexConfig() if memory is None else IndexConfig(memory=memory)
    done = import_embeddings(
        settings.workspace, file, tracks=tracks, replace=replace, config=config
    )
    if as_json:
        echo_json(done._asdict())
        return
    click.echo(f"{done.vectors} vectors of {done.dim} dimensions, index {done.kind}")
    if tracks is not None:
        echo_line(f"{done.named} of them named by {tracks}")
    if done.passed_over:
        left = "1 row is" if done.passed_over == 1 else f"{done.passed_over} rows are"
        echo_line(f"{tracks}: {left} left out, without a vector", err=True)
