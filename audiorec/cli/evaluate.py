"""``audiorec evaluate``: held-out evaluation beside baselines and oracles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.common import (
    PathType,
    Settings,
    echo_json,
    json_option,
    progress_shown,
    read_recipe,
    recipe_option,
)

if TYPE_CHECKING:
    from audiorec.measure import About
    from audiorec.pipeline.recipe import Recipe
    from audiorec.workspace import Workspace

ALL_SHARES = "5,10,25,50,100"  # %


def _shares(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...]:
    """Percentages such as ``5,10``, as shares."""
    if value is None:
        return ()
    try:
        shares = tuple(float(part.strip().removesuffix("%")) / 100 for part in value.split(","))
    except ValueError:
        shares = (0.0,)
    if not all(0 < share <= 1 for share in shares):
        raise click.BadParameter(f"{value!r} must be percentages above 0 up to 100, as in 5,10,25")
    return shares


@click.command("evaluate")
@recipe_option
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(["artist-cold", "track-cold", "time-cold"]),
    help="What is held out; may be given several times. [default: the recipe's]",
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0, 2**31 - 1),  # config.MAX_SEED
    help="May be given several times. [default: the recipe's]",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="Hold out every part of so many in turn. [default: the recipe's, one part]",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    help="Only this system; may be given several times. [default: all] "
    "With --thin or --reach: what places new tracks by their sound. [default: cnn]",
)
@click.option(
    "--losses",
    is_flag=True,
    help="The network under each loss, beside mel statistics + ridge, in place of all systems.",
)
@click.option(
    "--networks",
    is_flag=True,
    help="Each network under the recipe's loss, likewise; shortchunk smaller than published.",
)
@click.option(
    "--vary",
    "variants",
    metavar="KEY=VALUE[,...]",
    multiple=True,
    help="The network with these settings of [model] and [train] changed, such as words=0, and as "
    "the recipe has it, beside mel statistics + ridge, in place of all systems; may be given "
    "several times.",
)
@click.option(
    "--labels",
    "shares",
    metavar="[PERCENT,...]",
    is_flag=False,
    flag_value=ALL_SHARES,
    callback=_shares,
    help="Let only so many of the training tracks have listeners, and compare the network from "
    f"scratch and pretrained without listening. [default: {ALL_SHARES}]",
)
@click.option(
    "--thin",
    "about",
    flag_value="thin",
    help="Give new tracks the plays of 0, 1, 2, 5, 10 and 50 listeners back, and compare --space.",
)
@click.option(
    "--reach",
    "about",
    flag_value="reach",
    help="What --popularity and [index] hubs cost in accuracy, and which tracks ever come up.",
)
@click.option(
    "--neighbours",
    "about",
    flag_value="neighbours",
    help="Without any listening: how often the nearest tracks hold one of the same artist, and "
    "another version of the same song.",
)
@click.option(
    "--study",
    type=click.Choice(["sessions"]),
    help="Sessions: how well session models tell the next track, of warm tracks and of new ones.",
)
@click.option(
    "--rank",
    type=click.Choice(["tracks", "artists"]),
    help="Artists, each by the mean over their new tracks, where listening is known by artist "
    "only. [default: the recipe's]",
)
@click.option(
    "--truth",
    type=PathType(path_type=Path),
    help="A made world's truth.npz: adds the perception ceiling to the table.",
)
@click.option(
    "--report",
    "page",
    type=PathType(dir_okay=False, path_type=Path),
    help="Where to write the page with tables and pictures. "
    "[default: reports/evaluation.html in the workspace]",
)
@json_option
@click.pass_obj
def command(
    settings: Settings,
    recipe_file: Path | None,
    splits: tuple[str, ...],
    seeds: tuple[int, ...],
    folds: int | None,
    systems: tuple[str, ...],
    losses: bool,
    networks: bool,
    variants: tuple[str, ...],
    shares: tuple[float, ...],
    about: About | None,
    study: str | None,
    rank: str | None,
    truth: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Hold artists out, learn from the rest, and rank the held-out tracks for their listeners.

    Prints a table of systems, among them random, a leaky popularity and two oracles, and writes it
    to reports/. What has been scored is kept, so a killed evaluation goes on. With --json, one
    split is one object; several are a list of them, in the order in which they were asked for.
    """
    from audiorec.measure import run_evaluation
    from audiorec.pipeline import current_recipe
    from audiorec.pipeline.recipe import Recipe

    _check_together(
        about,
        {"--losses": losses, "--networks": networks, "--vary": variants, "--labels": shares},
        {"--split": splits, "--seed": seeds, "--folds": folds, "--rank": rank},
    )
    if shares:
        about = "labels"
    workspace = settings.workspace
    workspace.check()
    recipe = read_recipe(recipe_file) if recipe_file else current_recipe(workspace)
    changes: dict[str, object] = {}
    if splits:
        changes["splits"] = splits
    if seeds:
        changes["seeds"] = seeds
    if folds:
        changes["folds"] = folds
    if rank:
        changes["rank_by"] = rank
    if changes:
        section = recipe.evaluate.model_dump() | changes
        recipe = Recipe(**(recipe.model_dump() | {"evaluate": section}))
    if study is not None:
        _run_study(workspace, recipe, truth=truth, as_json=as_json)
        return
    each = [name for name, given in (("losses", losses), ("networks", networks)) if given]
    systems = _with_variants(systems, each, variants, truth=truth is not None)
    with workspace.writing(), progress_shown() as progress:
        report = run_evaluation(
            workspace,
            recipe,
            systems=systems or None,
            about=about or "new",
            shares=shares,
            truth=truth,
            page=page,
            progress=progress,
        )
    if as_json:
        echo_json(report.to_json())
    else:
        click.echo(report.to_text())


def _run_study(workspace: Workspace, recipe: Recipe, *, truth: Path | None, as_json: bool) -> None:
    """Evaluate the session models, and print what comes out."""
    from audiorec.studies.sessions import StudyOf, run

    with progress_shown() as progress:
        report = run(StudyOf(workspace, recipe, truth=truth, progress=progress))
    if as_json:
        echo_json(report.to_json())
    else:
        click.echo(report.to_text())


def _check_together(
    about: About | None, compared: Mapping[str, object], held_out: Mapping[str, object]
) -> None:
    """Raise `click.UsageError` where an option is given that the other one would not look at."""
    idle = {**compared, **(held_out if about == "neighbours" else {})}
    for option, given in idle.items():
        if given and about:
            raise click.UsageError(f"{option} has no place with --{about}; leave one out")


def _with_variants(
    systems: tuple[str, ...],
    under_each: Sequence[str],
    variants: tuple[str, ...],
    *,
    truth: bool,
) -> tuple[str, ...]:
    """Names of the systems, those of variants and what they are compared with among them."""
    if not (under_each or variants):
        return systems
    from audiorec.evaluate import systems as known

    groups = {"losses": known.UNDER_EACH_LOSS, "networks": known.UNDER_EACH_NETWORK}
    each = [name for group in under_each for name in groups[group]]
    beside = (known.CNN,) if variants else ()
    ceiling = (known.CEILING,) if truth else ()
    named = map(known.variant, variants)
    return (*systems, known.RIDGE, *beside, *each, *named, *ceiling)
