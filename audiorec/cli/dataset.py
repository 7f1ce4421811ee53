"""``audiorec dataset``: import, check and list research data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.default_group import HELP, DefaultGroup, ImportCommand
from audiorec.cli.options import GlobalOptions, PathType, json_option
from audiorec.cli.output import echo_json, echo_line, echo_repeated_rows

if TYPE_CHECKING:
    from audiorec.data import DatasetReport


@click.group("dataset", cls=DefaultGroup, context_settings=HELP)
def command() -> None:
    """Import, check and list research data sets."""


def titles() -> list[tuple[str, str]]:
    """Return the name and title of every data set."""
    from audiorec.data.datasets import NAMES, dataset

    return [(name, dataset(name).TITLE) for name in NAMES]


@click.command("dataset", cls=ImportCommand, group=command, heading="Data sets", listed=titles)
@click.argument("name")
@click.argument("directory", metavar="DIR", type=PathType(path_type=Path))
@click.option(
    "--manifest",
    type=PathType(dir_okay=False, path_type=Path),
    help="Write the tracks whose audio is in DIR to this CSV, for 'audiorec scan --manifest'.",
)
@json_option
@click.pass_obj
def import_command(
    settings: GlobalOptions, name: str, directory: Path, manifest: Path | None, as_json: bool
) -> None:
    """Import the data set NAME from its published files in DIR.

    Files are read plain, or as .gz, .bz2, .zst or .zip. DIR is checked first; an incomplete data
    set is not imported. Importing again replaces the earlier import.
    """
    from audiorec.data import add_dataset, catalogue_spectrograms, write_manifest
    from audiorec.data.plays import writing_plays

    check_name(name)
    workspace = settings.workspace
    with workspace.writing(), writing_plays(workspace.plays) as writer:
        report, rows = add_dataset(writer, name, directory)
        if report.imported is not None:
            writer.commit()
        catalogued = catalogue_spectrograms(workspace.catalog, rows)
    if manifest is not None:
        write_manifest(manifest, rows)
    if as_json:
        imported = {} if report.imported is None else report.imported._asdict()
        about = {"dataset": name, "audio": report.audio, "left_out": report.left_out}
        about |= {"catalogued": catalogued}
        echo_json(imported | about | {"manifest": None if manifest is None else str(manifest)})
        return
    show(name, directory, report, manifest, catalogued=catalogued)


def check_name(name: str) -> None:
    """Raise `click.BadParameter` for an unknown data set."""
    from difflib import get_close_matches

    from audiorec.data.datasets import NAMES

    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise click.BadParameter(
            f"{name!r} is not one of {', '.join(NAMES)}{hint}", param_hint="NAME"
        )


def show(
    name: str,
    directory: Path,
    report: DatasetReport,
    manifest: Path | None,
    *,
    catalogued: int = 0,
) -> None:
    """Report the import of a data set."""
    done = report.imported
    if done is None:
        click.echo(f"{name} has no listening; {report.audio} tracks with audio")
    else:
        click.echo(
            f"{done.rows} rows of {done.users} listeners and {done.tracks} tracks; "
            f"{report.audio} tracks with audio"
        )
        for what, count in report.left_out.items():
            echo_line(f"{directory}: {count} {what}: left out", err=True)
        echo_repeated_rows(directory, done, noun="rows")
    if catalogued:
        echo_line(
            f"{catalogued} spectrograms catalogued instead of audio: next, 'audiorec run "
            f"RECIPE.toml' with their settings (pipelines/datasets/{name}.toml)",
            err=True,
        )
    elif manifest is not None:
        echo_line(f"next: audiorec scan --manifest {manifest}", err=True)
    elif report.audio:
        echo_line("its audio is not scanned yet: --manifest FILE.csv lists it for that", err=True)


@command.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the data sets: paper, terms, origin and files."""
    from audiorec.data import about_datasets

    listed = about_datasets()
    if as_json:
        echo_json(listed)
        return
    for about in listed:
        echo_line(f"{about['name']}: {about['title']}")
        for key in ("paper", "terms", "origin", "listening"):
            echo_line(f"  {key:10} {about[key] or 'none of single listeners'}")
        for file in about["files"]:
            needed = "" if file["required"] else ", optional"
            echo_line(f"  {'file':10} {file['name']}: {file['what']}{needed}")


@command.command("check")
@click.argument("name")
@click.argument("directory", metavar="DIR", type=PathType(path_type=Path))
@json_option
@click.pass_context
def check_command(ctx: click.Context, name: str, directory: Path, as_json: bool) -> None:
    """Check the files of the data set NAME in DIR; exit 1 if any is missing or wrong."""
    from audiorec.data import check_dataset

    check_name(name)
    check = check_dataset(name, directory)
    if as_json:
        echo_json({"dataset": name, "directory": str(directory), "ok": check.ok} | check._asdict())
    else:
        for word, lines in (
            ("found", check.found),
            ("missing", check.missing),
            ("optional", check.optional),
            ("wrong", check.wrong),
        ):
            for line in lines:
                echo_line(f"{word:9} {line}")
        click.echo(f"{'audio':9} {check.audio} tracks")
        if check.ok:
            click.echo(f"complete: run 'audiorec dataset {name} {directory}'", err=True)
    if not check.ok:
        ctx.exit(1)
