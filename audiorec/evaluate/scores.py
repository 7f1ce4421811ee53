"""One system in one world: its vectors turned into a value per listener, and kept."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiorec import artifacts, metrics
from audiorec.embeddings import unit_norm
from audiorec.evaluate.material import Material
from audiorec.evaluate.protocol import Cell, World
from audiorec.evaluate.systems import SYSTEMS, Desk, Scores, Vectors
from audiorec.exceptions import ArtifactError
from audiorec.progress import Progress

SCORINGS = ("cosine", "inner product")
HEADLINE = "cosine"
KIND = "scores"
VERSION = 1  # raised when the protocol changes, so that scores kept from before are not used


@dataclass(frozen=True, eq=False)
class CellScores:
    """What a system scored in a world.

    Attributes
    ----------
    values : np.ndarray [shape=(n_draws, n_scorings, n_metrics, n_listeners)], float64
        In the order of `SCORINGS` and `metrics.METRICS`; NaN where a listener has no value.
    facts : dict of str to float
    seconds : float
        What it took.
    n_cold : int
        Candidates.
    """

    values: np.ndarray
    facts: dict[str, float]
    seconds: float
    n_cold: int


def score(world: World, name: str, *, desk: Desk) -> CellScores:
    """Let a system answer and score what it says, by cosine and by inner product.

    A listener's own norm changes nothing in their ranking, so the cosine is taken as the inner
    product with the track's vector scaled to length 1.
    """
    start = time.monotonic()
    answer = SYSTEMS[name].answer(world, desk)
    values = [_score_draw(world, draw) for draw in answer.draws]
    return CellScores(
        values=np.stack(values),
        facts=answer.facts,
        seconds=time.monotonic() - start,
        n_cold=len(world.cold),
    )


def _score_draw(world: World, draw: Vectors | Scores) -> np.ndarray:
    """Values : np.ndarray [shape=(n_scorings, n_metrics, n_listeners)], float64."""
    if isinstance(draw, Scores):
        values = metrics.evaluate(draw.matrix, world.relevant)
        return np.stack([np.stack(list(values.values()))] * len(SCORINGS))
    listeners = world.listener_factors if draw.listeners is None else draw.listeners
    by_scoring = {
        "cosine": listeners @ unit_norm(draw.cold).T,
        "inner product": listeners @ draw.cold.T,
    }
    return np.stack(
        [
            np.stack(list(metrics.evaluate(by_scoring[name], world.relevant).values()))
            for name in SCORINGS
        ]
    )


class Shelf:
    """Scores that are kept, each under the digest of all that it depends on.

    Parameters
    ----------
    directory : Path or None
        None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def find(self, material: Material, cell: Cell, name: str) -> CellScores | None:
        """Scores kept from before, or None where there are none or they are damaged."""
        place = self.place(material, cell, name)
        if place is None:
            return None
        try:
            manifest = artifacts.load_manifest(place, kind=KIND)
            values = artifacts.load_array(place, manifest, "values", mmap=False)
        except ArtifactError:
            return None
        return CellScores(values=values, **manifest.extra)

    def keep(self, material: Material, cell: Cell, name: str, found: CellScores) -> None:
        """Write scores, and remove what the system left on its desk."""
        place = self.place(material, cell, name)
        if place is None:
            return
        artifacts.save(
            place,
            kind=KIND,
            arrays={"values": found.values},
            config={"split": cell.split, "seed": cell.seed, "fold": cell.fold, "system": name},
            inputs=_inputs(material, cell, name),
            extra={"facts": found.facts, "seconds": found.seconds, "n_cold": found.n_cold},
        )
        shutil.rmtree(self._state(place), ignore_errors=True)

    def desk(self, material: Material, cell: Cell, name: str, *, progress: Progress) -> Desk:
        """Where a system can keep its state until its scores are there."""
        place = self.place(material, cell, name)
        return Desk(None if place is None else self._state(place), progress)

    def place(self, material: Material, cell: Cell, name: str, *, kind: str = KIND) -> Path | None:
        """Directory of what a system leaves for a cell; None where nothing is kept."""
        if self.directory is None:
            return None
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        slug = slug if kind == KIND else f"{slug}-{kind}"
        return self.directory / f"{slug}-{artifacts.fingerprint(_inputs(material, cell, name))}"

    def _state(self, place: Path) -> Path:
        return place.with_name(f"{place.name}.state")


def _inputs(material: Material, cell: Cell, name: str) -> dict[str, str]:
    """Digest of all that a system's scores in a cell depend on."""
    recipe = material.recipe
    system = SYSTEMS[name]
    settings = {
        "split": cell.split,
        "seed": cell.seed,
        "fold": None if cell.fold is None else [cell.fold, recipe.evaluate.folds],
        "test_share": recipe.evaluate.test_share if cell.fold is None else None,
        "factors": recipe.factors.model_dump(mode="json", exclude={"seed"}),
        **{name: getattr(recipe, name).model_dump(mode="json") for name in system.sections},
    }
    return {
        "material": material.fingerprint,
        "settings": artifacts.fingerprint(settings),
        "system": f"{name}, version {VERSION}.{system.version}",
    }
