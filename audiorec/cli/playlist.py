"""``audiorec playlist``: a playlist that begins at a track."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.answers import echo_hits, tell_hidden
from audiorec.cli.common import (
    PathType,
    Settings,
    echo_line,
    json_option,
    space_options,
    versions_option,
)

if TYPE_CHECKING:
    from audiorec.recommend.vectors import Space

FORMATS = ("m3u8", "json", "xspf", "jspf")


@click.command("playlist")
@click.argument("tracks", nargs=-1, required=True, metavar="TRACK_OR_FILE...")
@click.option("--length", type=click.IntRange(min=1), default=25, show_default=True)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="[default: as FILE's suffix says, or m3u8]",
)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False, path_type=Path),
    help="Where to write. [default: playlists/ in the workspace]",
)
@click.option(
    "--artist-window",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="No artist twice within so many tracks.",
)
@click.option("--absolute", is_flag=True, help="Write absolute paths. [default: relative]")
@space_options
@versions_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    tracks: tuple[str, ...],
    length: int,
    format_: str | None,
    output: Path | None,
    artist_window: int,
    absolute: bool,
    space: Space,
    popularity: float,
    versions: bool,
    as_json: bool,
) -> None:
    """Write a playlist that begins at TRACK and stays near it, or near each of several."""
    from audiorec.playlist import build_playlist, save_playlist, shortfall
    from audiorec.recommend.library import Library

    chosen = format_ or (output.suffix[1:].lower() if output else "m3u8")
    if chosen not in FORMATS:
        raise click.BadParameter(
            f"{output} has a suffix that is none of {', '.join(FORMATS)}; name one with --format",
            param_hint="--output",
        )
    settings.workspace.check()
    library = Library(settings.workspace)
    hits = build_playlist(
        library,
        tracks,
        length=length,
        artist_window=artist_window,
        space=space,
        popularity=popularity,
        versions=versions,
    )
    hidden = tell_hidden(library, tracks)
    file, _, skipped = save_playlist(library, hits, output, format_=chosen, relative=not absolute)
    short = shortfall(hits, length=length, artist_window=artist_window)
    for line in (*skipped, *([short] if short else [])):
        echo_line(line, err=True)
    if as_json:
        asked: dict[str, object] = {"query": list(tracks), "file": str(file), **hidden}
        echo_hits(hits, as_json=True, asked=asked, space=space, stale=library.stale)
        return
    echo_hits(hits, as_json=False, asked={}, space=space, stale=library.stale)
    echo_line(f"{len(hits) - len(skipped)} tracks in {file}", err=True)
