"""``audiorec find``: find tracks by words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audiorec.cli.options import GlobalOptions, json_option
from audiorec.cli.output import echo_json, echo_line

if TYPE_CHECKING:
    from audiorec.data.catalog import Track


@click.command("find")
@click.argument("words", nargs=-1, required=True)
@click.option(
    "-k",
    "k",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Maximum number of tracks.",
)
@json_option
@click.pass_obj
def command(settings: GlobalOptions, words: tuple[str, ...], k: int, as_json: bool) -> None:
    """List the tracks whose artist, title, album and path contain all WORDS.

    Case, accents, underscores and the order of the words are ignored. Names in parentheses are
    guessed from the path, for files without tags. If no music is catalogued, tracks known from
    listening are listed.
    """
    from audiorec.data import find_tracks
    from audiorec.data.catalog import Catalog
    from audiorec.data.plays import PlayedNames

    settings.workspace.check()
    workspace = settings.workspace
    played = PlayedNames(workspace.plays)
    if not workspace.catalog.is_file() and played.any:
        matches = find_tracks(None, words, played=played)
    else:
        with Catalog(workspace.catalog, read_only=True) as catalog:
            matches = find_tracks(catalog, words, played=played)
    shown = matches[:k]
    if as_json:
        keys = ("track_id", "artist", "title", "album", "number", "year", "duration", "path")
        rows = [
            {**{key: getattr(track, key) for key in keys}, "path": path_of(track),
             "guessed": track.guessed, "missing": track.missing}
            for track in shown
        ]  # fmt: skip
        echo_json({"query": list(words), "n": len(matches), "results": rows})
    else:
        for track in shown:
            name = f"({track.name})" if "title" in track.guessed else track.name
            gone = "  [file is gone]" if track.missing else ""
            echo_line(f"{track.track_id}  {name}  {path_of(track)}{gone}".rstrip())
    if len(matches) > k:
        more = len(matches) - k
        click.echo(f"{more} more fit: name more words, or ask for -k {len(matches)}", err=True)
    if not matches:
        query = " ".join(words)
        echo_line(f"no track fits {query!r}; name fewer words, or a part of one", err=True)
        raise click.exceptions.Exit(1)


def path_of(track: Track) -> str:
    """Return the path of a track's file; empty for a track without a file, shown by its id."""
    return track.path if track.path != track.track_id else ""
