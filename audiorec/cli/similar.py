"""``audiorec similar``: the nearest tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from audiorec.cli.answers import echo_hits, tell_hidden
from audiorec.cli.common import (
    Settings,
    confidence_option,
    json_option,
    space_options,
    versions_option,
)

if TYPE_CHECKING:
    from audiorec.recommend.library import Library
    from audiorec.recommend.vectors import Space


@click.command("similar")
@click.argument("tracks", nargs=-1, metavar="TRACK_OR_FILE...")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--tag", "tags", multiple=True, help="Only tracks that have this word; repeatable.")
@click.option("--without-tag", "without", multiple=True, help="No tracks that have it; repeatable.")
@confidence_option
@click.option("--why", is_flag=True, help="Say which words each track shares with those asked for.")
@click.option(
    "--batch",
    # A byte that is not UTF-8 is a matter of its line, and may well belong to a file's name.
    type=click.File(encoding="utf-8-sig", errors="surrogateescape"),
    metavar="FILE",
    help="Answer every line of FILE, or of stdin where it is -: a name each in, a line of JSON "
    "each out. An empty line has no results.",
)
@space_options
@versions_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    tracks: tuple[str, ...],
    k: int,
    tags: tuple[str, ...],
    without: tuple[str, ...],
    min_confidence: float,
    why: bool,
    space: Space,
    popularity: float,
    versions: bool,
    as_json: bool,
    batch: TextIO | None,
) -> None:
    """Show the tracks nearest to TRACK, or to what several tracks have in common.

    A track is named by its id, by "Artist - Title", by a title that only one track has, or by a
    path. A file that is not in the catalogue is listened to first, and drawn towards the tracks
    of the artist that its tags name. Words are those that 'audiorec tags --all' has stored.
    """
    if bool(tracks) == (batch is not None):
        raise click.UsageError("Name a track, or give --batch FILE; not both.")
    from audiorec.recommend.library import Library

    settings.workspace.check()
    library = Library(settings.workspace)
    if batch is not None:
        if tags or without or why:
            raise click.UsageError("--batch goes with neither --tag, --without-tag nor --why.")
        from audiorec.cli.batch import answer_batch

        if not answer_batch(
            library, batch, k=k, space=space, popularity=popularity, versions=versions
        ):
            raise click.exceptions.Exit(1)
        return
    hits = library.similar(
        tracks,
        k=k,
        space=space,
        popularity=popularity,
        versions=versions,
        tags=tags,
        without=without,
        min_confidence=min_confidence,
    )
    shared = library.shared_tags(tracks, hits, min_confidence=min_confidence) if why else None
    if tags or without or why:
        warn_of_unheard(library)
    echo_hits(
        hits,
        as_json=as_json,
        asked={"query": list(tracks), **tell_hidden(library, tracks)},
        space=space,
        k=k,
        n_tracks=lambda: len(library.catalog),
        shared=shared,
        stale=library.stale,
    )


def warn_of_unheard(library: Library) -> None:
    """Say on stderr how many tracks have no words yet."""
    count = library.catalog.tags.n_unheard()
    if count:
        tracks = "1 track has" if count == 1 else f"{count} tracks have"
        click.echo(f"{tracks} no words yet: run 'audiorec tags --all'", err=True)
