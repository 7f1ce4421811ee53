"""``audiorec playlists``: refresh and manage saved playlists."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.options import GlobalOptions, PathType, json_option
from audiorec.cli.output import echo_json, echo_line
from audiorec.exceptions import NotFoundError, ParameterError


@click.group("playlists")
def command() -> None:
    """Refresh, list, add and export saved playlists."""


@command.command("refresh")
@click.argument("directory", required=False, type=PathType(path_type=Path), metavar="[DIR]")
@click.option(
    "-o",
    "--output",
    type=PathType(file_okay=False, path_type=Path),
    help="Output folder. [default: playlists/ in the workspace]",
)
@click.option(
    "--set", "values", multiple=True, metavar="NAME=VALUE",
    help="Set a parameter of the recipes; repeatable.",
)  # fmt: skip
@json_option
@click.pass_obj
def refresh(
    settings: GlobalOptions,
    directory: Path | None,
    output: Path | None,
    values: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the playlists of all recipes in DIR, or of those saved in the workspace.

    If a recipe fails, its playlist stays as it was, the others are written, and the exit code is 1.
    A recipe whose parameter has no value is skipped and named.
    """
    from audiorec.playlist import recipes_in, refresh_playlists
    from audiorec.recommend import Library

    settings.workspace.check()
    files = recipes_in(directory or settings.workspace.recipes)
    done = refresh_playlists(
        Library(settings.workspace),
        files,
        output=output or settings.workspace.playlists,
        parameters=_parameters(values),
    )
    if as_json:
        echo_json([each._asdict() for each in done])
    for each in done:
        if each.problem:
            what = "skipped" if each.skipped else "failed"
            echo_line(f"{each.name} {what}: {each.problem}", err=True)
        elif not as_json:
            files_ = each.files[0] if len(each.files) == 1 else f"{len(each.files)} files"
            echo_line(f"{each.name}: {each.n_tracks} tracks in {files_}")
        for note in each.notes:
            echo_line(f"{each.name}: {note}", err=True)
    if any(each.problem and not each.skipped for each in done):
        raise click.exceptions.Exit(1)


@command.command("list")
@json_option
@click.pass_obj
def list_(settings: GlobalOptions, as_json: bool) -> None:
    """List the saved recipes, the playlists of players, and the templates for 'playlists add'."""
    from audiorec.playlist import saved_playlists

    settings.workspace.check()
    saved = sorted(settings.workspace.recipes.glob("*.toml"))
    templates = _templates()
    made = saved_playlists(settings.workspace).list()
    if as_json:
        rows = [
            {"id": e.id, "name": e.name, "user": e.user, "n_tracks": len(e.track_ids)} for e in made
        ]
        names = {"saved": [f.stem for f in saved], "templates": sorted(templates)}
        echo_json({**names, "playlists": rows})
        return
    for file in saved:
        echo_line(f"saved     {file.stem}")
    for each in made:
        echo_line(f"playlist  {each.name:20} {len(each.track_ids)} tracks, of {each.user}")
    for name, file in sorted(templates.items()):
        echo_line(f"template  {name:20} {_first_comment(file)}")


@command.command("add")
@click.argument("name")
@click.option(
    "--as", "as_", metavar="NAME", help="Name of the saved recipe. [default: the template's]"
)
@click.option(
    "--set", "values", multiple=True, metavar="NAME=VALUE", help="Set a parameter; repeatable."
)
@click.pass_obj
def add(settings: GlobalOptions, name: str, as_: str | None, values: tuple[str, ...]) -> None:
    """Save a template as a recipe of the workspace, with the values of its parameters."""
    import tomllib

    import tomli_w

    from audiorec.output_files import write_output
    from audiorec.playlist.recipe_files import NAME

    settings.workspace.check()
    templates = _templates()
    if name not in templates:
        raise NotFoundError(
            f"there is no template {name!r}; name one of {', '.join(sorted(templates))}"
        )
    saved_as = as_ or name
    if not NAME.fullmatch(saved_as):
        raise ParameterError(f"{saved_as!r} is not a recipe name; give one without /")
    given = _parameters(values)
    content = templates[name].read_bytes()
    if given:
        table = tomllib.loads(content.decode())
        unknown = given.keys() - table.get("parameters", {}).keys()
        if unknown:
            raise ParameterError(f"template {name!r} has no parameter {sorted(unknown)[0]!r}")
        table["parameters"].update(given)
        content = tomli_w.dumps(table).encode()
    file = settings.workspace.recipes / f"{saved_as}.toml"
    write_output(file, content)
    echo_line(f"saved as {file}; 'audiorec playlists refresh' makes it", err=True)


@command.command("write")
@click.argument("name")
@click.argument("file", type=PathType(dir_okay=False, path_type=Path))
@click.option("--format", "format_", metavar="NAME", help="Format. [default: by FILE's suffix]")
@json_option
@click.pass_obj
def write(
    settings: GlobalOptions, name: str, file: Path, format_: str | None, as_json: bool
) -> None:
    """Write a playlist that was made in a music player or on a page to FILE.

    NAME is its name or its id, as 'playlists list' shows them.
    """
    from audiorec.data.catalog import Catalog
    from audiorec.playlist import saved_playlists, write_playlist

    settings.workspace.check()
    found = saved_playlists(settings.workspace).named(name)
    with Catalog(settings.workspace.catalog, read_only=True) as catalog:
        known = catalog.get_many(found.track_ids)
    tracks = [known[id_] for id_ in found.track_ids if id_ in known]
    written = write_playlist(tracks, file, format_=format_, title=found.name, paths="relative")
    gone = len(found.track_ids) - len(tracks)
    notes = [
        *written.skipped,
        *([f"{gone} of its tracks not in the catalogue any more"] if gone else []),
    ]
    for note in notes:
        echo_line(note, err=True)
    if as_json:
        echo_json({"file": str(written.file), "n_tracks": written.n_tracks, "notes": notes})
    else:
        echo_line(f"{written.n_tracks} tracks in {written.file}")


def _parameters(values: tuple[str, ...]) -> dict[str, str]:
    """Parse ``NAME=VALUE`` arguments into values by name."""
    parameters = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{text!r} must be NAME=VALUE", param_hint="--set")
        parameters[name] = value
    return parameters


def _templates() -> dict[str, Path]:
    """Return the shipped recipes by name."""
    from audiorec.pipeline import shipped_folder

    return {file.stem: file for file in (shipped_folder() / "playlists").glob("*.toml")}


def _first_comment(file: Path) -> str:
    """Return a template's first comment, its description."""
    first = file.read_text(encoding="utf-8").splitlines()[:1]
    return first[0].removeprefix("#").strip() if first else ""
