"""Options of the recommending commands: seeds, filters and limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.options import Command, confidence_option
from audiorec.exceptions import ParameterError

if TYPE_CHECKING:
    from audiorec.recommend import TrackFilter

FILTERS = (
    click.option("--genre", multiple=True, metavar="WORD", help="Only of this genre; repeatable."),
    click.option("--year", default="", metavar="A-B", help="Only of these years."),
    click.option(
        "--duration", default="", metavar="A-B", help="Only of this length, such as 2:00-6:00."
    ),
    click.option(
        "--tempo", default="", metavar="A-B", help="Only of this tempo, in beats per minute."
    ),
    click.option("--key", multiple=True, metavar="KEY", help="Only in this key; repeatable."),
    click.option(
        "--path", "path_", multiple=True, metavar="GLOB", help="Only from this file or folder."
    ),
    click.option(
        "--added-since",
        default="",
        metavar="DATE_OR_AGE",
        help="Only files added or changed since: 2026-05-01, 30d, 2w, 6m.",
    ),
    click.option(
        "--unplayed-since",
        default="",
        metavar="DATE_OR_AGE",
        help="Only tracks that the listener has played, but not since.",
    ),
    click.option(
        "--not-artist", multiple=True, metavar="NAME", help="None by this artist; repeatable."
    ),
    click.option("--new", is_flag=True, help="Only tracks that the listener has never played."),
)
NAMES = (
    *("genre", "year", "duration", "tempo", "key", "path_"),
    *("added_since", "unplayed_since", "not_artist", "new"),
)
"""Parameter names of the options in `FILTERS`."""
LIMITS = (
    click.option(
        "--per-artist",
        type=click.IntRange(min=0),
        default=0,
        help="Maximum per artist; 0 for no limit.",
    ),
    click.option(
        "--per-album",
        type=click.IntRange(min=0),
        default=0,
        help="Maximum per album; 0 for no limit.",
    ),
)
SEEDS = (
    click.option(
        "--artist", "artists", multiple=True, help="Start from a whole artist; repeatable."
    ),
    click.option("--album", "albums", multiple=True, help="Start from a whole album; repeatable."),
    click.option(
        "--not",
        "against",
        multiple=True,
        metavar="TRACK",
        help="Nothing like this track; repeatable.",
    ),
)
TAGS = (
    click.option("--tag", "tags", multiple=True, help="Only tracks with this tag; repeatable."),
    click.option(
        "--without-tag", "without", multiple=True, help="No tracks with this tag; repeatable."
    ),
    confidence_option,
)


def filter_options(command: Command) -> Command:
    """Add the options of `TrackFilter` and the limits per artist and album."""
    return _with_options(command, (*FILTERS, *LIMITS))


def seed_options(command: Command) -> Command:
    """Add the options for whole artists and albums as seeds, and for negative seeds."""
    return _with_options(command, SEEDS)


def tag_options(command: Command) -> Command:
    """Add the filters by tag, and the least confidence of a tag."""
    return _with_options(command, TAGS)


def _with_options(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def make_filter(options: dict[str, Any], *, user: str) -> TrackFilter | None:
    """Make a filter from the values of `filter_options`, which are removed from `options`.

    Returns None if none of them is set.
    """
    given = {name: options.pop(name) for name in NAMES}
    if not any(given.values()):
        return None
    from audiorec.recommend import TrackFilter

    try:
        return TrackFilter(
            genre=given["genre"],
            year=given["year"],
            length=given["duration"],
            tempo=given["tempo"],
            key=given["key"],
            path=given["path_"],
            added_since=given["added_since"],
            not_artist=given["not_artist"],
            new_for=user if given["new"] else "",
            unplayed_since=given["unplayed_since"],
            unplayed_by=user if given["unplayed_since"] else "",
        )
    except ParameterError as error:
        raise click.UsageError(str(error)) from None
