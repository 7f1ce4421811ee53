"""``audiorec pretrained``: pretrained networks, downloaded once into the user's cache."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.options import PathType, json_option
from audiorec.cli.output import echo_json
from audiorec.cli.progress_line import progress_shown


@click.group("pretrained", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Download, list and describe pretrained networks.

    They are stored in AUDIOREC_CACHE, or in the platform's cache folder, for all workspaces.
    """


@command.command("fetch")
@click.argument("name", default="musicnn")
@click.option(
    "--wheel",
    type=PathType(dir_okay=False, path_type=Path),
    help="Read the wheel from a file, for a machine without network.",
)
@json_option
def fetch_command(name: str, wheel: Path | None, as_json: bool) -> None:
    """Download the weights of NAME (default: musicnn) with pip, without installing it.

    The wheel's digest is checked, its weights are converted, and its licence is kept with them.
    """
    from audiorec.models.pretrained import fetch, weights_directory

    with progress_shown() as progress:
        names = fetch(name, wheel=wheel, progress=progress)
    directory = weights_directory()
    if as_json:
        echo_json({"directory": str(directory), "networks": names})
        return
    click.echo(f"{', '.join(names)} in {directory}")


@command.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the networks, and which are downloaded."""
    from audiorec.models.pretrained import PRETRAINED, is_fetched

    fetched = is_fetched()
    rows = [
        {"name": one.name, "fetched": fetched, "trained_on": one.trained_on}
        for one in PRETRAINED.values()
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        state = "fetched" if row["fetched"] else "not fetched"
        click.echo(f"{row['name']:12} {state:12} {row['trained_on']}")


@command.command("info")
@click.argument("name")
@json_option
def info_command(name: str, as_json: bool) -> None:
    """Describe the network NAME: origin, licence, input and tags."""
    from audiorec.models.pretrained import FETCH_REMEDY, model_info

    facts = model_info(name)
    if as_json:
        echo_json(facts)
        return
    for key, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if isinstance(value, bool):
            text = "yes" if value else f"no; {FETCH_REMEDY}"
        click.echo(f"{key.replace('_', ' '):12} {text}")
