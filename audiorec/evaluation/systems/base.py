"""What a system of an evaluation is, and what it predicts for a hold-out."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from audiorec.artifacts import fingerprint
from audiorec.embeddings import Embeddings
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.evaluation.data import EvaluationData
    from audiorec.evaluation.holdout import Holdout

Role = Literal["control", "baseline", "model", "oracle"]


class PredictedVectors(NamedTuple):
    """A vector for every cold track, as long as an index would serve it.

    Attributes
    ----------
    cold : np.ndarray [shape=(n_cold, d)]
    listeners : np.ndarray [shape=(n_listeners, d)], or None
        Listeners' vectors where the system has its own; else those of the hold-out's factors.
    warm : np.ndarray [shape=(n_targets, d)], or None
        Vectors of the training tracks with audio where the system has its own.
    """

    cold: np.ndarray
    listeners: np.ndarray | None = None
    warm: np.ndarray | None = None


class ScoreMatrix(NamedTuple):
    """A score for every listener and cold track.

    Attributes
    ----------
    matrix : np.ndarray [shape=(n_listeners, n_cold)]
    warm : np.ndarray [shape=(n_listeners, n_targets)], or None
        Of the training tracks with audio, for the mixed catalogue.
    """

    matrix: np.ndarray
    warm: np.ndarray | None = None


@dataclass(frozen=True)
class Prediction:
    """What a system predicts for a hold-out.

    Attributes
    ----------
    draws : iterable of PredictedVectors or ScoreMatrix
        One, or several where chance has a part.
    facts : dict of str to float
        Figures worth knowing of how it came about: a penalty, a share of tracks covered.
    history : tuple of (float, float)
        Training and validation loss of each epoch, of what learns in epochs.
    """

    draws: Iterable[PredictedVectors | ScoreMatrix]
    facts: dict[str, float] = field(default_factory=dict)
    history: tuple[tuple[float, float], ...] = ()


class WorkDir(NamedTuple):
    """Where a system works, and what it reports its progress to.

    Attributes
    ----------
    directory : Path or None
        To keep the state of what is learned in, which other systems of the hold-out may ask for.
    progress : Progress
    """

    directory: Path | None = None
    progress: Progress = silent

    def path(self, name: str) -> Path | None:
        """Where the state of one that learns is kept; None where nothing is."""
        return None if self.directory is None else self.directory / name

    def clear(self) -> None:
        """Remove the state: nobody will ask for it."""
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)


@dataclass(frozen=True)
class System:
    """A system of the table.

    Attributes
    ----------
    predict : callable
        From a `Holdout` and a `WorkDir` to a `Prediction`.
    role : {"control", "baseline", "model", "oracle"}
    sections : tuple of str
        Sections of the recipe that it depends on, beside those of the hold-out.
    inapplicable : callable
        From an `EvaluationData` to why the system has nothing to say of it, or None.
    reads_truth : bool
        Whether it reads what only a made world knows; without that it has no place in the table.
    by_name : bool
        Whether it is left out where nobody asks for it.
    settings : callable
        From the recipe to the one that the system follows.
    cache_name : str or None
        What its scores are kept as, where systems share them: two that follow the same settings.
    source : str
        Digest of the file that `predict` stands in, so that scores kept from before it was edited
        are not taken for its own.
    """

    predict: Callable[[Holdout, WorkDir], Prediction]
    role: Role
    sections: tuple[str, ...] = ()
    inapplicable: Callable[[EvaluationData], str | None] = lambda data: None
    reads_truth: bool = False
    by_name: bool = False
    settings: Callable[[Recipe], Recipe] = lambda recipe: recipe
    cache_name: str | None = None
    source: str = field(init=False)

    def __post_init__(self) -> None:
        # At once: while systems run, somebody may edit the file.
        object.__setattr__(self, "source", source_digest(self.predict))


def source_digest(function: Callable[..., object]) -> str:
    """Digest of the file, or the notebook's cell, that a function stands in."""
    try:
        lines, _ = inspect.findsource(inspect.unwrap(function))
    except (OSError, TypeError):  # typed into a Python prompt, or no function
        return fingerprint(repr(function).encode())
    return fingerprint("".join(lines).encode())


def rows_of(embeddings: Embeddings, ids: tuple[str, ...]) -> np.ndarray:
    """Vectors of ids, zeros where there is none : np.ndarray [shape=(len(ids), d)], float32."""
    matrix = np.zeros((len(ids), embeddings.dim), dtype=np.float32)
    known = [row for row, id_ in enumerate(ids) if id_ in embeddings]
    matrix[known] = embeddings.take([ids[row] for row in known]).vectors
    return matrix
