"""``audiorec evaluate``: held-out evaluation beside baselines and oracles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.options import GlobalOptions, PathType, json_option, recipe_option
from audiorec.cli.output import echo_json, echo_notice
from audiorec.cli.progress_line import progress_shown
from audiorec.cli.study_options import (
    ALL_LABELS,
    check_options,
    parse_labels,
    study_of_former_options,
)
from audiorec.studies import STUDIES

if TYPE_CHECKING:
    from audiorec.pipeline import Recipe


@click.command("evaluate")
@recipe_option
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(["artist-cold", "track-cold", "time-cold"]),
    help="What is held out; repeatable. [default: the recipe's]",
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0, 2**31 - 1),  # config.MAX_SEED
    help="Random seed; repeatable. [default: the recipe's]",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="Number of folds, held out in turn. [default: the recipe's, one part]",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    help="Only this system; repeatable. [default: the recipe's model, baselines, controls and "
    "oracles]",
)
@click.option(
    "--study",
    type=click.Choice(list(STUDIES)),
    help="Run a study instead of the table of systems. "
    + "; ".join(f"{name}: {study.asks}" for name, study in STUDIES.items())
    + ".",
)
@click.option(
    "--vary",
    metavar="KEY=VALUE[,...]",
    multiple=True,
    help="With --study ablation: settings of [model] and [train], such as channels=32; repeatable.",
)
@click.option(
    "--labels",
    metavar="[PERCENT,...]",
    is_flag=False,
    flag_value=ALL_LABELS,
    callback=parse_labels,
    help="With --study label-efficiency: how many of the training tracks have listeners, in "
    f"percent, or in tracks, such as 500t,1000t. [default: {ALL_LABELS}]",
)
@click.option(
    "--rank",
    type=click.Choice(["tracks", "artists"]),
    help="Rank tracks; or artists, each by the mean over their new tracks, if listening is known "
    "by artist only. [default: the recipe's]",
)
@click.option(
    "--truth",
    type=PathType(path_type=Path),
    help="truth.npz of a demo world: adds the ridge on true attributes to the table.",
)
@click.option(
    "--report",
    "page",
    type=PathType(dir_okay=False, path_type=Path),
    help="Output page, with tables and plots. [default: reports/evaluation.html in the workspace]",
)
@click.option("--thin", is_flag=True, hidden=True)
@click.option("--reach", is_flag=True, hidden=True)
@click.option("--neighbours", is_flag=True, hidden=True)
@click.option("--losses", is_flag=True, hidden=True)
@click.option("--networks", is_flag=True, hidden=True)
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    recipe_file: Path | None,
    splits: tuple[str, ...],
    seeds: tuple[int, ...],
    folds: int | None,
    systems: tuple[str, ...],
    study: str | None,
    vary: tuple[str, ...],
    labels: tuple[float, ...],
    rank: str | None,
    truth: Path | None,
    page: Path | None,
    as_json: bool,
    **former: bool,
) -> None:
    """Hold artists out, learn from the rest, and rank the held-out tracks for their listeners.

    Prints a table of systems, among them random, popularity and two oracles, and writes it to
    reports/. Scores are cached, so a killed evaluation can be continued. With --json, one split
    gives an object, several give a list in the order of the --split options.
    """
    from audiorec.evaluation import run_evaluation
    from audiorec.pipeline import current_recipe, read_recipe

    study, vary = study_of_former_options(study, vary, labels=labels, former=former)
    check_options(
        study, vary=vary, labels=labels, systems=systems, truth=truth, page=page,
        held_out=bool(splits or seeds or folds or rank),
    )  # fmt: skip
    workspace = settings.workspace
    workspace.check()
    if recipe_file:
        recipe = read_recipe(recipe_file, notify=echo_notice)
    else:
        recipe = current_recipe(workspace)
    given = {"splits": splits, "seeds": seeds, "folds": folds, "rank_by": rank}
    recipe = _with_settings(recipe, {key: value for key, value in given.items() if value})
    with workspace.writing(), progress_shown() as progress:
        if study is None:
            report: Any = run_evaluation(
                workspace,
                recipe,
                systems=systems or None,
                truth=truth,
                page=page,
                progress=progress,
            )
        else:
            from audiorec.studies import StudyInputs, run_study

            inputs = StudyInputs(
                workspace, recipe, systems=systems, vary=vary, labels=labels, truth=truth,
                progress=progress,
            )  # fmt: skip
            report = run_study(study, inputs)
    if as_json:
        echo_json(report.to_json())
    else:
        click.echo(report.to_text())


def _with_settings(recipe: Recipe, changes: dict[str, object]) -> Recipe:
    """Return the recipe with settings of [evaluate] changed."""
    if not changes:
        return recipe
    section = recipe.evaluate.model_dump() | changes
    return type(recipe)(**(recipe.model_dump() | {"evaluate": section}))
