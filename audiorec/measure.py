"""Evaluate a workspace's music and listening by a recipe, and keep the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from audiorec import artifacts
from audiorec.artifacts import write_atomic
from audiorec.data.catalog import Catalog
from audiorec.exceptions import ArtifactError, NotFoundError, ParameterError
from audiorec.output import check_output
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.tracks import Track
    from audiorec.embeddings import Embeddings
    from audiorec.evaluate import NeighbourReport, Report
    from audiorec.evaluate.ears import Ear
    from audiorec.mel import MelStore

About = Literal["new", "labels", "thin", "reach", "neighbours"]


def run_evaluation(
    workspace: Workspace,
    recipe: Recipe,
    *,
    systems: Sequence[str] | None = None,
    about: About = "new",
    shares: Sequence[float] = (),
    truth: Path | None = None,
    page: Path | None = None,
    progress: Progress = silent,
) -> Report | NeighbourReport:
    """Evaluate a recipe on a workspace's music and listening, and keep the tables in reports/.

    Parameters
    ----------
    workspace : Workspace
    recipe : Recipe
    systems : sequence of str, optional
        See `audiorec.evaluate.evaluate`; with "thin" and "reach" the one that places tracks by
        their sound.
    about : {"new", "labels", "thin", "reach", "neighbours"}
        New tracks by every system; by systems that learn from few labels, `evaluate_labels`; the
        way from cold to warm, by `evaluate_thin`; what the dial of popularity and hub correction
        do, by `evaluate_reach`; or, without any listening, what lies near what, by
        `evaluate_neighbours`.
    shares : sequence of float
        Of the labels, with "labels" alone; by default `audiorec.evaluate.labels.SHARES`.
    truth : Path, optional
        ``truth.npz`` of a made world, for the perception ceiling; with "new" and "labels" alone.
    page : Path, optional
        Where the page of these two is written, by default ``reports/evaluation.html`` or
        ``reports/evaluation-labels.html``.
    progress : Progress

    Raises
    ------
    ArtifactError
        If there are no spectrograms, or they follow other settings than the recipe's.
    """
    if about not in ("new", "labels") and (truth or page):
        raise ParameterError(
            f"truth and report are for the table of systems and --labels; leave out --{about}"
        )
    if about == "neighbours" and systems:
        raise ParameterError(f"system={list(systems)} has no place with neighbours; leave it out")
    from audiorec.mel import MelStore

    store = MelStore(workspace.mels)
    if store.config != recipe.mel:
        raise ArtifactError(
            "the spectrograms follow other [mel] settings than the recipe; "
            "run 'audiorec mel --recipe' with it first"
        )
    with Catalog(workspace.catalog, read_only=True) as catalog:
        tracks = catalog.tracks()
    report: Report | NeighbourReport
    if about == "neighbours":
        report = _neighbours(workspace, store, tracks, recipe=recipe, progress=progress)
    else:
        report = _by_listening(
            workspace, store, tracks, recipe=recipe, systems=systems, about=about,
            shares=shares, truth=truth, page=page, progress=progress,
        )  # fmt: skip
    name = "evaluation" if about == "new" else f"evaluation-{about}"
    text = json.dumps(report.to_json(), indent=1, ensure_ascii=False)
    write_atomic(workspace.reports / f"{name}.json", text.encode())
    write_atomic(workspace.reports / f"{name}.txt", report.to_text().encode())
    return report


def _by_listening(
    workspace: Workspace,
    store: MelStore,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    systems: Sequence[str] | None,
    about: About,
    shares: Sequence[float],
    truth: Path | None,
    page: Path | None,
    progress: Progress,
) -> Report:
    """What held-out listening says."""
    if not artifacts.exists(workspace.plays):
        raise NotFoundError(
            "there is no listening to evaluate on; import some with 'audiorec plays FILE', or ask "
            "'audiorec evaluate --neighbours', which needs none"
        )
    from audiorec.data.plays import load_plays
    from audiorec.evaluate import (
        Report,
        evaluate,
        evaluate_labels,
        evaluate_reach,
        evaluate_thin,
    )
    from audiorec.evaluate.page import write_page
    from audiorec.evaluate.systems import MUSICNN

    how: dict[str, Any] = {
        "recipe": recipe,
        "work_directory": workspace.root / ".evaluation",
        "progress": progress,
    }
    plays = load_plays(workspace.plays)
    if about in ("new", "labels"):
        name = "evaluation" if about == "new" else f"evaluation-{about}"
        page = page or workspace.reports / f"{name}.html"
        check_output(page)
        how |= {"systems": systems, "truth": truth}
        if systems is None or MUSICNN in systems:
            how["ear"] = partial(_ear, workspace, store, recipe=recipe, progress=progress)
        if about == "new":
            report = evaluate(store, plays, tracks, **how)
        else:
            how |= {"shares": shares} if shares else {}
            report = Report(tuple(evaluate_labels(store, plays, tracks, **how)))
        write_page(report, page, recipe=recipe)
    else:
        if systems and len(systems) > 1:
            raise ParameterError(f"system={list(systems)} must be one, which places new tracks")
        only: dict[str, Any] = {"system": systems[0]} if systems else {}
        score = evaluate_thin if about == "thin" else evaluate_reach
        report = Report(tuple(score(store, plays, tracks, **only, **how)))
    return report


def _neighbours(
    workspace: Workspace,
    store: MelStore,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    progress: Progress,
) -> NeighbourReport:
    """What lies near what, by their sound."""
    from audiorec.evaluate import evaluate_neighbours

    ear = _ear(workspace, store, recipe=recipe, progress=progress)
    return evaluate_neighbours(
        store, tracks, recipe=recipe, ear=ear, placed=_placed(workspace), progress=progress
    )


def _placed(workspace: Workspace) -> tuple[str, Embeddings] | None:
    """Where the workspace's model places tracks, if it learned from listeners, and its name."""
    if not (artifacts.exists(workspace.model) and artifacts.exists(workspace.embeddings)):
        return None
    from audiorec.recommend.vectors import content

    model = artifacts.load_manifest(workspace.model, kind="model")
    if model.extra.get("target") == "content":
        return None
    encoder = model.config["model"].get("encoder", "cnn")
    named = "cnn" if encoder == "cnn" else f"{encoder} + head"
    try:
        return f"{named} of the workspace", content(workspace)
    except ArtifactError:
        return None  # of another model, or damaged: 'audiorec doctor' says so


def _ear(workspace: Workspace, store: MelStore, *, recipe: Recipe, progress: Progress) -> Ear:
    """What a pretrained network hears of the catalogue."""
    from audiorec.evaluate.ears import listen

    with Catalog(workspace.catalog) as catalog:
        return listen(
            catalog,
            store,
            recipe=recipe,
            directory=workspace.root / ".evaluation" / "ear",
            heard=workspace.features if recipe.model.pretrained else None,
            progress=progress,
        )
