"""``audiorec export``: vectors for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from audiorec.cli.options import GlobalOptions, PathType, json_option
from audiorec.cli.output import echo_json, echo_line

if TYPE_CHECKING:
    from audiorec.recommend import Exported

WHAT = ("embeddings", "track-factors", "user-factors")


@click.command("export")
@click.argument("what", type=click.Choice(WHAT))
@click.argument("file", type=PathType(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def command(settings: GlobalOptions, what: str, file: Path, as_json: bool) -> None:
    """Write vectors to a Parquet FILE: columns track_id (or user_id) and vector.

    Embeddings are the index's vectors of all tracks with audio, in the space of the factors: the
    inner product of a listener's vector and a track's is the score of 'recommend'.
    """
    from audiorec.recommend import Library, export_vectors

    workspace = settings.workspace
    workspace.check()
    count = export_vectors(Library(workspace), cast("Exported", what), file)
    if as_json:
        echo_json({"file": str(file), "rows": count})
    else:
        echo_line(f"{count} vectors in {file}")
