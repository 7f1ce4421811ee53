"""``audiorec exclude``: hide tracks from every answer."""

from __future__ import annotations

import click

from audiorec.cli.options import GlobalOptions, json_option
from audiorec.cli.output import echo_json, echo_line


@click.group("exclude")
def command() -> None:
    """Hide tracks from every answer: similar, recommend, playlist, next.

    A hidden track stays in the library, and can still be used as a seed.
    """


@command.command("add")
@click.option("--genre", multiple=True, metavar="WORDS", help="Genre with these whole words.")
@click.option("--title-word", multiple=True, metavar="WORDS", help="Title with these whole words.")
@click.option("--shorter", metavar="LENGTH", help="Shorter than this: seconds, or M:SS.")
@click.option("--longer", metavar="LENGTH", help="Longer than this.")
@click.option("--path", multiple=True, metavar="GLOB", help="File or folder, such as 'Audiobooks'.")
@click.option("--artist", multiple=True, metavar="NAME", help="By this artist.")
@click.option("--album", multiple=True, metavar="NAME", help="On an album of this name.")
@json_option
@click.pass_obj
def add(settings: GlobalOptions, as_json: bool, **given: tuple[str, ...] | str | None) -> None:
    """Add exclusions; all options except the lengths may be repeated."""
    from audiorec.data import Exclusion, check_exclusion, load_exclusions, save_exclusions
    from audiorec.data.exclusion_rules import KINDS

    new = []
    for kind in KINDS:
        values = given[kind.replace("-", "_")] or ()
        values = (values,) if isinstance(values, str) else values
        new += [check_exclusion(Exclusion(kind, value)) for value in values]
    if not new:
        raise click.UsageError("Name what to exclude, such as --genre christmas; see --help.")
    workspace = settings.workspace
    workspace.check()
    with workspace.writing():
        save_exclusions(workspace.exclusions, [*load_exclusions(workspace.exclusions), *new])
    _show(settings, as_json=as_json)


@command.command("list")
@json_option
@click.pass_obj
def list_(settings: GlobalOptions, as_json: bool) -> None:
    """List the exclusions with their numbers and how many tracks each hides."""
    settings.workspace.check()
    _show(settings, as_json=as_json)


@command.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NUMBER...")
@json_option
@click.pass_obj
def remove(settings: GlobalOptions, names: tuple[str, ...], as_json: bool) -> None:
    """Remove exclusions, by their numbers in 'exclude list' or by their words ('genre polka')."""
    from audiorec.data import load_exclusions, remove_exclusion, save_exclusions

    workspace = settings.workspace
    workspace.check()
    with workspace.writing():
        before = load_exclusions(workspace.exclusions)
        gone = [set(before).difference(remove_exclusion(before, name)) for name in names]
        left = [exclusion for exclusion in before if not any(exclusion in one for one in gone)]
        save_exclusions(workspace.exclusions, left)
    _show(settings, as_json=as_json)


def _show(settings: GlobalOptions, *, as_json: bool) -> None:
    from audiorec.data import excluded_tracks, load_exclusions
    from audiorec.data.catalog import Catalog

    exclusions = load_exclusions(settings.workspace.exclusions)
    counts, hidden = [0] * len(exclusions), 0
    if settings.workspace.catalog.is_file():  # else all tracks are known from plays only
        with Catalog(settings.workspace.catalog, read_only=True) as catalog:
            counts = [len(excluded_tracks(catalog, [exclusion])) for exclusion in exclusions]
            hidden = len(excluded_tracks(catalog, exclusions))
    if as_json:
        rows = [
            {"number": n, "kind": exclusion.kind, "value": exclusion.value, "tracks": count}
            for n, (exclusion, count) in enumerate(zip(exclusions, counts, strict=True), start=1)
        ]
        echo_json({"exclusions": rows, "hidden": hidden})
        return
    for n, (exclusion, count) in enumerate(zip(exclusions, counts, strict=True), start=1):
        echo_line(f"{n:3}  {exclusion}  hides {count} {'track' if count == 1 else 'tracks'}")
    echo_line(
        f"{hidden} {'track is' if hidden == 1 else 'tracks are'} hidden from answers", err=True
    )
