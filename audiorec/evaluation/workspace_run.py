"""Evaluation of a workspace by a recipe, with stored tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from audiorec import artifacts
from audiorec.artifacts import write_atomic
from audiorec.data.catalog import Catalog
from audiorec.data.plays import load_plays
from audiorec.evaluation.encoder_inputs import catalogue_inputs
from audiorec.evaluation.page import write_page
from audiorec.evaluation.run import evaluate
from audiorec.exceptions import ArtifactError, NotFoundError
from audiorec.mel import MelStore
from audiorec.output_files import check_output
from audiorec.pipeline import Recipe
from audiorec.progress import Progress, silent
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

    from audiorec.data.catalog import Track
    from audiorec.evaluation import Report
    from audiorec.evaluation.encoder_inputs import InputsOf


class RunOutput(Protocol):
    """Protocol of results of an evaluation or a study."""

    def to_text(self) -> str:
        """Format as text."""

    def to_json(self) -> Any:
        """Convert to JSON."""


def run_evaluation(
    workspace: Workspace,
    recipe: Recipe,
    *,
    systems: Sequence[str] | None = None,
    truth: Path | None = None,
    page: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Evaluate a recipe on a workspace's music and plays, and store the tables in reports/.

    Parameters
    ----------
    workspace : Workspace
    recipe : Recipe
    systems : sequence of str, optional
        See `audiorec.evaluation.evaluate`.
    truth : Path, optional
        ``truth.npz`` of a synthetic world, for the ridge on true attributes.
    page : Path, optional
        File of the page, by default ``reports/evaluation.html``.
    progress : Progress

    Raises
    ------
    ArtifactError
        If there are no spectrograms, or they follow other settings than the recipe's.
    NotFoundError
        If there are no plays.
    """
    store, tracks = read_catalogue(workspace, recipe)
    plays = workspace_plays(workspace)
    page = page or workspace.reports / "evaluation.html"
    check_output(page)
    report = evaluate(
        store,
        plays,
        tracks,
        recipe=recipe,
        systems=systems,
        truth=truth,
        inputs_of=workspace_inputs(workspace, recipe, progress=progress),
        work_directory=workspace.scores,
        progress=progress,
    )
    write_page(report, page, recipe=recipe)
    keep_tables(workspace, report, name="evaluation")
    return report


def read_catalogue(workspace: Workspace, recipe: Recipe) -> tuple[MelStore, list[Track]]:
    """Read the spectrograms, which must match the recipe, and the catalogue."""
    store = MelStore(workspace.mels)
    if store.config != recipe.mel:
        raise ArtifactError(
            "the spectrograms follow other [mel] settings than the recipe; "
            "run 'audiorec mel --recipe' with it first"
        )
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return store, catalog.tracks()


def workspace_plays(workspace: Workspace) -> pl.DataFrame:
    """Read all plays of the workspace."""
    if not artifacts.exists(workspace.plays):
        raise NotFoundError(
            "there is no listening to evaluate on; import some with 'audiorec plays FILE', or ask "
            "'audiorec evaluate --study neighbours', which needs none"
        )
    return load_plays(workspace.plays)


def workspace_inputs(workspace: Workspace, recipe: Recipe, *, progress: Progress) -> InputsOf:
    """Return a function for the spectrograms and features of encoders."""
    return catalogue_inputs(
        workspace.catalog,
        recipe=recipe,
        directory=workspace.scores,
        kept={recipe.model.encoder: workspace.features} if recipe.model.frozen else {},
        progress=progress,
    )


def keep_tables(workspace: Workspace, table: RunOutput, *, name: str) -> None:
    """Write results to reports/, as text and as JSON."""
    text = json.dumps(table.to_json(), indent=1, ensure_ascii=False)
    write_atomic(workspace.reports / f"{name}.json", text.encode())
    write_atomic(workspace.reports / f"{name}.txt", table.to_text().encode())
