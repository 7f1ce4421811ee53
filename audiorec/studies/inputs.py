"""Study inputs: a workspace, a recipe and the command's options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from audiorec.evaluation import (
    EvaluationData,
    Holdout,
    holdout_keys,
    prepare_data,
    read_catalogue,
    workspace_inputs,
    workspace_plays,
)
from audiorec.evaluation.run import with_factors
from audiorec.exceptions import ParameterError
from audiorec.pipeline import Recipe
from audiorec.progress import Progress, silent
from audiorec.workspace import Workspace


@dataclass(frozen=True)
class StudyInputs:
    """Inputs of a study.

    Attributes
    ----------
    workspace : Workspace
    recipe : Recipe
    systems : tuple of str
        Requested systems by name; most studies take one.
    vary : tuple of str
        Settings, as in ``channels=32``; for the ablation.
    labels : tuple of float
        Shares of the training tracks, or numbers of them; for the label efficiency.
    truth : Path or None
        ``truth.npz`` of a synthetic world.
    progress : Progress
    """

    workspace: Workspace
    recipe: Recipe
    systems: tuple[str, ...] = ()
    vary: tuple[str, ...] = ()
    labels: tuple[float, ...] = ()
    truth: Path | None = None
    progress: Progress = silent

    @property
    def system(self) -> str | None:
        """The single requested system, or None."""
        if len(self.systems) > 1:
            raise ParameterError(f"system={list(self.systems)} must be one, which places tracks")
        return self.systems[0] if self.systems else None

    @property
    def work_directory(self) -> Path:
        """Directory of the score cache."""
        return self.workspace.scores

    @cached_property
    def data(self) -> EvaluationData:
        """Spectrograms, plays and tracks of the workspace."""
        store, tracks = read_catalogue(self.workspace, self.recipe)
        inputs_of = workspace_inputs(self.workspace, self.recipe, progress=self.progress)
        return prepare_data(
            store,
            workspace_plays(self.workspace),
            tracks,
            recipe=self.recipe,
            truth=self.truth,
            inputs_of=inputs_of,
        )

    def holdouts(self, split: str) -> Iterator[Holdout]:
        """Yield every hold-out of a split, with its factors."""
        for key in holdout_keys(self.data, split=split):
            self.progress("evaluate", 0, None, str(key))
            yield with_factors(self.data, key, progress=self.progress)
