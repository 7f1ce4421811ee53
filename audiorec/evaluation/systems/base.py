"""Base types: a system, and its prediction for a hold-out."""

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
from audiorec.pipeline import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.evaluation.data import EvaluationData
    from audiorec.evaluation.holdout import Holdout

Role = Literal["control", "baseline", "model", "oracle"]


class PredictedVectors(NamedTuple):
    """A vector for every cold track, of the norm that an index would serve.

    Attributes
    ----------
    cold : np.ndarray [shape=(n_cold, d)]
    listeners : np.ndarray [shape=(n_listeners, d)], or None
        Listeners' vectors if the system has its own; else those of the hold-out's factors.
    warm : np.ndarray [shape=(n_targets, d)], or None
        Vectors of the training tracks with audio if the system has its own.
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
        Scores of the training tracks with audio, for the mixed catalogue.
    """

    matrix: np.ndarray
    warm: np.ndarray | None = None


@dataclass(frozen=True)
class Prediction:
    """Prediction of a system for a hold-out.

    Attributes
    ----------
    draws : iterable of PredictedVectors or ScoreMatrix
        One, or several if the system is random.
    facts : dict of str to float
        Figures about the fit, such as a penalty or a share of tracks covered.
    history : tuple of (float, float)
        Training and validation loss of each epoch, if trained in epochs.
    """

    draws: Iterable[PredictedVectors | ScoreMatrix]
    facts: dict[str, float] = field(default_factory=dict)
    history: tuple[tuple[float, float], ...] = ()


class WorkDir(NamedTuple):
    """Working directory of a system, and its progress callback.

    Attributes
    ----------
    directory : Path or None
        For learned state, which other systems of the hold-out may reuse.
    progress : Progress
    """

    directory: Path | None = None
    progress: Progress = silent

    def path(self, name: str) -> Path | None:
        """Return the path of learned state; None if nothing is stored."""
        return None if self.directory is None else self.directory / name

    def clear(self) -> None:
        """Remove the state, which is no longer needed."""
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)


@dataclass(frozen=True)
class System:
    """A system of the evaluation.

    Attributes
    ----------
    predict : callable
        Returns a `Prediction`, given a `Holdout` and a `WorkDir`.
    role : {"control", "baseline", "model", "oracle"}
    sections : tuple of str
        Sections of the recipe that it depends on, besides those of the hold-out.
    inapplicable : callable
        Returns why the system does not apply to an `EvaluationData`, or None.
    reads_truth : bool
        Whether it reads the truth of a synthetic world; without one it is left out.
    by_name : bool
        Whether it is evaluated only on request.
    settings : callable
        Returns the system's own recipe, given the recipe.
    cache_name : str or None
        Name in the score cache, if systems with equal settings share scores.
    source : str
        Digest of the source file of `predict`, so that scores stored before an edit are not
        reused.
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
        # At once, since the file may be edited while systems run.
        object.__setattr__(self, "source", source_digest(self.predict))


def source_digest(function: Callable[..., object]) -> str:
    """Compute the digest of the file, or notebook cell, that defines a function."""
    try:
        lines, _ = inspect.findsource(inspect.unwrap(function))
    except (OSError, TypeError):  # defined in a Python prompt, or not a function
        return fingerprint(repr(function).encode())
    return fingerprint("".join(lines).encode())


def rows_of(embeddings: Embeddings, ids: tuple[str, ...]) -> np.ndarray:
    """Return vectors of ids, zeros if missing : np.ndarray [shape=(len(ids), d)], float32."""
    matrix = np.zeros((len(ids), embeddings.dim), dtype=np.float32)
    known = [row for row, id_ in enumerate(ids) if id_ in embeddings]
    matrix[known] = embeddings.take([ids[row] for row in known]).vectors
    return matrix
