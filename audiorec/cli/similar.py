"""``audiorec similar``: the nearest tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

from audiorec.cli.answers import echo_hits, report_hidden
from audiorec.cli.imports_without_gc import without_garbage_collection
from audiorec.cli.options import (
    FiniteRange,
    GlobalOptions,
    json_option,
    k_option,
    space_options,
    versions_option,
)
from audiorec.cli.query_options import filter_options, make_filter, seed_options, tag_options

if TYPE_CHECKING:
    from audiorec.recommend import Library, Space


@click.command("similar")
@click.argument("tracks", nargs=-1, metavar="TRACK_OR_FILE...")
@k_option
@seed_options
@click.option(
    "--user", default="me", show_default=True, help="Listener for --new and --unplayed-since."
)
@click.option(
    "--min-score",
    type=FiniteRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="Only tracks nearer than this percentage of the library's pairs.",
)
@filter_options
@tag_options
@click.option("--why", is_flag=True, help="Show which tags each track shares with TRACK.")
@click.option(
    "--batch",
    # A byte that is not UTF-8 affects its line only, and may be part of a file name.
    type=click.File(encoding="utf-8-sig", errors="surrogateescape"),
    metavar="FILE",
    help="Answer each line of FILE (-: stdin), a name, with a line of JSON, without previews. An "
    "empty line has no results.",
)
@space_options
@versions_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
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
    artists: tuple[str, ...],
    albums: tuple[str, ...],
    against: tuple[str, ...],
    user: str,
    min_score: float,
    per_artist: int,
    per_album: int,
    **options: Any,
) -> None:
    """Show the tracks nearest to TRACK, or near each of several tracks.

    A track is named by its id, by "Artist - Title", by a title that only one track has, or by a
    path. A file outside the catalogue is analysed first, and placed nearer to the tracks of the
    artist in its tags. --tag and --why use the tags that 'audiorec tags --all' has stored.

    Scores may all be near 1, since factors share much of their direction. Judge by the percentage
    beside each score: the share of the library's pairs that score lower.
    """
    if bool(tracks or artists or albums) == (batch is not None):
        raise click.UsageError("Name a track, or give --batch FILE; not both.")
    filters = make_filter(options, user=user)
    with without_garbage_collection():
        from audiorec.recommend import Library

    library = Library(settings.workspace)
    has_limits = bool(filters or per_artist or per_album or min_score)
    if batch is not None:
        if tags or without or why:
            raise click.UsageError("--batch goes with neither --tag, --without-tag nor --why.")
        if has_limits or against:
            raise click.UsageError("--batch goes with no filter, limit, --not or --min-score.")
        from audiorec.cli.batch_queries import answer_batch

        if not answer_batch(
            library, batch, k=k, space=space, popularity=popularity, versions=versions
        ):
            raise click.exceptions.Exit(1)
        return
    seeds = [*tracks]
    if artists or albums:
        from audiorec.playlist.seeds import tracks_of_all

        whole = tracks_of_all(library, artists=artists, albums=albums)
        unwanted = set(library.query(against).ids)
        seeds += [id_ for id_ in whole if id_ not in unwanted]
    hits = library.similar(
        seeds,
        k=k,
        space=space,
        popularity=popularity,
        versions=versions,
        tags=tags,
        without=without,
        min_confidence=min_confidence,
        against=against,
        filters=filters,
        per_artist=per_artist,
        per_album=per_album,
        min_score=min_score,
    )
    if min_score and not hits:
        click.echo(
            f"no track that fits is nearer than {min_score:g} % of the pairs of this library; "
            "lower --min-score, or widen the filters",
            err=True,
        )
    shared = None
    if why:
        from audiorec.recommend.shared_words import shared_words

        shared = shared_words(library, seeds, hits, min_confidence=min_confidence)
    if tags or without or why:
        warn_of_untagged(library)
    echo_hits(
        hits,
        as_json=as_json,
        request={"query": list(tracks), **report_hidden(library, tracks)},
        space=space,
        k=None if has_limits else k,
        n_tracks=lambda: len(library.catalog),
        shared=shared,
        stale=library.stale,
        library=library,
    )


def warn_of_untagged(library: Library) -> None:
    """Report on stderr how many tracks have no tags yet."""
    count = library.catalog.tags.n_untagged()
    if count:
        tracks = "1 track has" if count == 1 else f"{count} tracks have"
        click.echo(f"{tracks} no tags yet: run 'audiorec tags --all'", err=True)
