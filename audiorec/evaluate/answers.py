"""What a system of an evaluation is, and what it says of a world."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.evaluate.material import Material
    from audiorec.evaluate.protocol import World


class Vectors(NamedTuple):
    """A vector for every cold track.

    Attributes
    ----------
    cold : np.ndarray [shape=(n_cold, d)]
    listeners : np.ndarray [shape=(n_listeners, d)], or None
        Listeners' vectors where the system has its own; else those of the world's factors.
    warm : np.ndarray [shape=(n_targets, d)], or None
        Vectors of the training tracks that can be heard where the system has its own.
    """

    cold: np.ndarray
    listeners: np.ndarray | None = None
    warm: np.ndarray | None = None


class Scores(NamedTuple):
    """A score for every listener and cold track.

    Attributes
    ----------
    matrix : np.ndarray [shape=(n_listeners, n_cold)]
    warm : np.ndarray [shape=(n_listeners, n_targets)], or None
        Of the training tracks that can be heard, for the mixed catalogue.
    """

    matrix: np.ndarray
    warm: np.ndarray | None = None


@dataclass(frozen=True)
class Answer:
    """What a system says of a world.

    Attributes
    ----------
    draws : iterable of Vectors or Scores
        One, or several where chance has a part.
    facts : dict of str to float
        Figures worth knowing of how it came about: a penalty, a share of tracks covered.
    history : tuple of (float, float)
        Training and validation loss of each epoch, of what learns in epochs.
    scale : float or None
        What brings its vectors to the length of factors, as an index would serve them; None where
        they are directions, whatever their length.
    """

    draws: Iterable[Vectors | Scores]
    facts: dict[str, float] = field(default_factory=dict)
    history: tuple[tuple[float, float], ...] = ()
    scale: float | None = None


class Desk(NamedTuple):
    """Where a system works, and whom it tells of its progress.

    Attributes
    ----------
    directory : Path or None
        To keep the state of what is learned in, which other systems of the hold-out may ask for.
    progress : Progress
    """

    directory: Path | None = None
    progress: Progress = silent

    def place(self, name: str) -> Path | None:
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
    answer : callable
        From a `World` and a `Desk` to an `Answer`.
    role : {"control", "baseline", "model", "oracle"}
    sections : tuple of str
        Sections of the recipe that it depends on, beside those of the world.
    version : int
        Raised when the function changes, so that scores kept from before are not taken for its.
    inapplicable : callable
        From a `Material` to why the system has nothing to say of it, or None.
    reads_truth : bool
        Whether it reads what only a made world knows; without that it has no place in the table.
    by_name : bool
        Whether it is left out where nobody asks for it.
    settings : callable
        From the recipe to the one that the system follows.
    kept_as : str or None
        Name of the system that it is under those settings: what was scored of the one is not
        scored again for the other.
    """

    answer: Callable[[World, Desk], Answer]
    role: Literal["control", "baseline", "model", "oracle"]
    sections: tuple[str, ...] = ()
    version: int = 1
    inapplicable: Callable[[Material], str | None] = lambda material: None
    reads_truth: bool = False
    by_name: bool = False
    settings: Callable[[Recipe], Recipe] = lambda recipe: recipe
    kept_as: str | None = None
