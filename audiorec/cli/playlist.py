"""``audiorec playlist``: a playlist of any kind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from audiorec.cli.answers import hit_name, preview_tables, report_hidden
from audiorec.cli.options import (
    FiniteRange,
    GlobalOptions,
    PathType,
    json_option,
    space_options,
    versions_option,
)
from audiorec.cli.output import echo_json, echo_line
from audiorec.cli.query_options import filter_options, make_filter, seed_options, tag_options
from audiorec.exceptions import ParameterError
from audiorec.playlist import FORMATS, KINDS, MEASURES, SHAPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audiorec.data.playlist_files import PathMap
    from audiorec.playlist import Playlist, PlaylistRequest
    from audiorec.recommend import Library

OF_KIND = {"new_share": "listener", "like_last": "listener", "by": "arc", "shape": "arc"}


@click.command("playlist")
@click.argument("tracks", nargs=-1, metavar="TRACK_OR_FILE...")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="near",
    show_default=True,
    help="near the tracks; continue them; a path from the first to the last; an arc of tempo or "
    "energy; a radio that drifts away; for a listener; reorder the tracks for smoother "
    "transitions; a mix for several listeners.",
)
@click.option(
    "--length",
    type=click.IntRange(min=1),
    help="Number of tracks. [default: 25, or three for each of --like-last]",
)
@click.option("--minutes", type=FiniteRange(0.01, 99_999), help="Duration, instead of --length.")
@seed_options
@click.option(
    "--after",
    multiple=True,
    metavar="TRACK_OR_FILE",
    help="Kind radio: continue after these, a playlist or tracks, without repeating any.",
)
@click.option("--user", "users", multiple=True, help="Listener; repeat it for a mix. [default: me]")
@click.option(
    "--new-share", type=FiniteRange(0, 1), default=0.5, show_default=True,
    help="Kind listener: share of tracks they have not played.",
)  # fmt: skip
@click.option(
    "--like-last", type=click.IntRange(min=0), default=0, metavar="N",
    help="Kind listener: three like each of the last N plays.",
)  # fmt: skip
@click.option("--by", type=click.Choice(MEASURES), default="tempo", help="Kind arc: the measure.")
@click.option("--shape", type=click.Choice(SHAPES), default="rise", help="Kind arc: its shape.")
@click.option(
    "--artist-window",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="No artist twice within this many tracks; 0 for any order.",
)
@click.option("--album-window", type=click.IntRange(min=0), default=0, help="The same for albums.")
@click.option(
    "--diversity",
    type=FiniteRange(0, 1),
    default=0.0,
    help="From 0, the nearest tracks, to 1, tracks unlike each other.",
)
@click.option("--shuffle", type=int, metavar="SEED", help="Another playlist of the same kind.")
@click.option(
    "--avoid-recent", type=click.IntRange(min=0), default=0, metavar="N",
    help="No track of the last N playlists of this workspace.",
)  # fmt: skip
@tag_options
@filter_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="[default: by FILE's suffix, or m3u8]",
)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False, path_type=Path),
    help="Output file. [default: in playlists/ of the workspace]",
)
@click.option("--title", help="Title of the playlist in its file.")
@click.option("--absolute", is_flag=True, help="Write absolute paths. [default: relative]")
@click.option(
    "--path-map", "--path-map-out", "path_map_out", multiple=True, metavar="OLD=NEW",
    help="Write NEW for the folder OLD, for a player elsewhere; repeatable.",
)  # fmt: skip
@click.option(
    "--path-map-in", multiple=True, metavar="OLD=NEW",
    help="Read NEW for the folder OLD, in playlists from elsewhere; repeatable.",
)  # fmt: skip
@click.option(
    "--preview", is_flag=True,
    help="Play only the most typical 15 s of each track (m3u8, for VLC; json).",
)  # fmt: skip
@click.option(
    "--save", "save_as", metavar="NAME",
    help="Save this as a recipe for 'audiorec playlists refresh'.",
)  # fmt: skip
@space_options
@versions_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    tracks: tuple[str, ...],
    output: Path | None,
    format_: str | None,
    title: str | None,
    absolute: bool,
    path_map_out: tuple[str, ...],
    save_as: str | None,
    preview: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write a playlist that starts at TRACK and stays near it, or one of another kind.

    A track is named as for 'similar'; a playlist file (M3U, PLS, XSPF, JSPF, or CSV and JSON as
    written here) stands for its tracks. Each track is printed with its distance from the one before
    and the reason why it is there.
    """
    from audiorec.data.playlist_files import PathMap
    from audiorec.playlist import PREVIEW_FORMATS, build_playlist, save_playlist
    from audiorec.recommend import Library

    chosen = format_ or (output.suffix[1:].lower() if output else "m3u8")
    if chosen not in FORMATS:
        raise click.BadParameter(
            f"{output} has a suffix that is none of {', '.join(FORMATS)}; name one with --format",
            param_hint="--output",
        )
    if preview and chosen not in PREVIEW_FORMATS:
        raise click.UsageError(f"{chosen} cannot hold previews; write m3u8 or json")
    check_kind(options["kind"])
    request = make_request(tracks, options)
    settings.workspace.check()
    library = Library(settings.workspace)
    path_map = [PathMap.parse(text) for text in path_map_out]
    playlist = build_playlist(library, request)
    hidden = report_hidden(library, playlist.seeds)
    if save_as is not None:
        from audiorec.playlist import save_recipe

        recipe = save_recipe(
            library.workspace.recipes, save_as, request, format_=chosen, title=title or "",
            absolute=absolute, path_map=_from_root(path_map), preview=preview,
        )  # fmt: skip
        echo_line(f"saved as {recipe}", err=True)
    file, n_written, skipped = save_playlist(
        library,
        playlist.hits,
        output,
        format_=chosen,
        relative=not absolute,
        title=title,
        path_map=path_map,
        preview=preview,
        kind=request.kind,
    )
    for line in (*skipped, *playlist.notes, *([library.stale] if library.stale else [])):
        echo_line(line, err=True)
    if as_json:
        query = {"query": list(tracks), "file": str(file), "kind": request.kind, **hidden}
        echo_json({**query, **as_table(playlist, library, space=request.space)})
        return
    show(playlist)
    tracks_ = "1 track" if n_written == 1 else f"{n_written} tracks"
    echo_line(f"{tracks_}, {playlist.seconds / 60:.0f} minutes in {file}", err=True)


def _from_root(path_map: Sequence[PathMap]) -> tuple[str, ...]:
    """Format path maps as text, the local folders as absolute paths."""
    # Symbolic links are kept, as in the catalogue.
    return tuple(f"{os.path.abspath(old)}={new}" for old, new in path_map)  # noqa: PTH100 - links stay as they are


def check_kind(kind: str) -> None:
    """Refuse options that do not apply to the kind of playlist."""
    context = click.get_current_context()
    for name, of in OF_KIND.items():
        if kind != of and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise click.UsageError(f"--{option} goes with --kind {of}, not {kind}; leave it out.")


def make_request(tracks: tuple[str, ...], options: dict[str, Any]) -> PlaylistRequest:
    """Make the request from the options; contradictory values are a usage error."""
    from dataclasses import replace

    from audiorec.playlist import PlaylistRequest
    from audiorec.recommend import TrackFilter

    users = options.pop("users")
    filters = make_filter(options, user=users[0] if users else "me")
    filters = replace(
        filters or TrackFilter(),
        tags=options.pop("tags"),
        without_tags=options.pop("without"),
        min_confidence=options.pop("min_confidence"),
    )
    try:
        return PlaylistRequest(seeds=tracks, users=users, filters=filters, **options)
    except ParameterError as error:
        raise click.UsageError(str(error)) from None


def as_table(playlist: Playlist, library: Library, *, space: str) -> dict[str, Any]:
    """Convert a playlist to the JSON that other programs rely on."""
    rows = [
        {
            **entry.hit._asdict(),
            "reason": entry.reason,
            "distance": entry.distance,
            "preview": preview,
        }
        for entry, preview in zip(
            playlist.entries, preview_tables(library, playlist.hits), strict=True
        )
    ]
    return {
        "stale": bool(library.stale),
        "space": space,
        "notes": list(playlist.notes),
        "seconds": round(playlist.seconds, 1),
        "results": rows,
    }


def show(playlist: Playlist) -> None:
    """Print a playlist: position, distance to the previous track, name, reason."""
    width = max(len(entry.hit.track_id) for entry in playlist.entries)
    for hit, reason, distance in playlist.entries:
        step = "  -  " if distance is None else f"{distance:5.2f}"
        echo_line(f"{hit.rank:3}  {step}  {hit.track_id:{width}}  {hit_name(hit)}  ({reason})")
