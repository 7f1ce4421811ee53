"""One system in one world: its vectors turned into a value per listener, and kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audiorec import artifacts, metrics
from audiorec.embeddings import unit_norm
from audiorec.evaluate.answers import Desk, Scores, Vectors
from audiorec.evaluate.details import Details, look_closer
from audiorec.evaluate.items import Items, items_of
from audiorec.evaluate.material import Material
from audiorec.evaluate.protocol import Cell, World
from audiorec.evaluate.systems import find_system
from audiorec.exceptions import ArtifactError, NewerError
from audiorec.progress import Progress

SCORINGS = ("cosine", "inner product")
HEADLINE = "cosine"
KIND = "scores"
VERSION = 3  # raised when the protocol changes, so that scores kept from before are not used


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
    figures : dict of str to float
        Those of `details.FIGURES`, of the first draw.
    history : tuple of (float, float)
        Training and validation loss of each epoch, of what learns in epochs.
    details : Details or None
        Of the first draw.
    """

    values: np.ndarray
    facts: dict[str, float]
    seconds: float
    n_cold: int
    figures: dict[str, float] = field(default_factory=dict)
    history: tuple[tuple[float, float], ...] = ()
    details: Details | None = None


def score(world: World, name: str, *, desk: Desk) -> CellScores:
    """Let a system answer and score what it says, by cosine and by inner product.

    A listener's own norm changes nothing in their ranking, so the cosine is taken as the inner
    product with the track's vector scaled to length 1.
    """
    start = time.monotonic()
    answer = find_system(name).answer(world, desk)
    items = items_of(world)
    values: list[np.ndarray] = []
    for draw in answer.draws:
        by_scoring = _scores(world, items, draw)
        if not values:
            details, figures = look_closer(world, items, draw, by_scoring[HEADLINE])
        values.append(_accuracy(items, by_scoring))
    return CellScores(
        values=np.stack(values),
        facts=answer.facts,
        seconds=time.monotonic() - start,
        n_cold=len(items.names),
        figures=figures,
        history=answer.history,
        details=details,
    )


def _scores(world: World, items: Items, draw: Vectors | Scores) -> dict[str, np.ndarray]:
    """By scoring, np.ndarray [shape=(n_listeners, n_items)]."""
    if isinstance(draw, Scores):
        matrix = items.scores(draw.matrix)
        return dict.fromkeys(SCORINGS, matrix)
    listeners = world.listener_factors if draw.listeners is None else draw.listeners
    return {
        "cosine": items.scores(listeners @ unit_norm(draw.cold).T),
        "inner product": items.scores(listeners @ draw.cold.T),
    }


def _accuracy(items: Items, by_scoring: dict[str, np.ndarray]) -> np.ndarray:
    """Values : np.ndarray [shape=(n_scorings, n_metrics, n_listeners)], float64."""
    found: dict[int, np.ndarray] = {}  # by identity: what both scorings share is ranked once
    for scores in by_scoring.values():
        if id(scores) not in found:
            values = metrics.evaluate(scores, items.relevant)
            found[id(scores)] = np.stack(list(values.values()))
    return np.stack([found[id(by_scoring[name])] for name in SCORINGS])


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
            manifest = artifacts.load_manifest(place, kind=KIND, check="digests")
            if "thirds" not in manifest.files:
                return None  # from before details were kept
            arrays = {
                entry: artifacts.load_array(place, manifest, entry, mmap=False)
                for entry in manifest.files
            }
        except NewerError:
            raise
        except ArtifactError:
            return None
        return CellScores(values=arrays.pop("values"), details=Details(**arrays), **manifest.extra)

    def keep(self, material: Material, cell: Cell, name: str, found: CellScores) -> None:
        """Write scores."""
        place = self.place(material, cell, name)
        if place is None:
            return
        details = {} if found.details is None else found.details.arrays()
        artifacts.save(
            place,
            kind=KIND,
            arrays={"values": found.values, **details},
            config={"split": cell.split, "seed": cell.seed, "fold": cell.fold, "system": name},
            inputs=_inputs(material, cell, name),
            extra={
                "facts": found.facts,
                "seconds": found.seconds,
                "n_cold": found.n_cold,
                "figures": found.figures,
                "history": found.history,
            },
        )

    def desk(self, material: Material, cell: Cell, *, progress: Progress) -> Desk:
        """Where the systems of a hold-out can keep their state until all are scored."""
        if self.directory is None:
            return Desk(None, progress)
        key = artifacts.fingerprint([material.fingerprint, cell])
        return Desk(self.directory / f"{key}.state", progress)

    def place(self, material: Material, cell: Cell, name: str, *, kind: str = KIND) -> Path | None:
        """Directory of what a system leaves for a cell; None where nothing is kept."""
        if self.directory is None:
            return None
        known_as = find_system(name).kept_as or name
        slug = re.sub(r"[^a-z0-9]+", "-", known_as.lower()).strip("-")
        slug = slug if kind == KIND else f"{slug}-{kind}"
        return self.directory / f"{slug}-{artifacts.fingerprint(_inputs(material, cell, name))}"


def score_all(
    material: Material,
    cell: Cell,
    names: Sequence[str],
    *,
    shelf: Shelf,
    world: Callable[[], World],
    progress: Progress,
) -> dict[str, CellScores]:
    """Scores of every system in a cell; its world is asked for only if something is missing.

    What was learned stays, for who goes on after a kill, until all is there.
    """
    found: dict[str, CellScores] = {}
    desk = shelf.desk(material, cell, progress=progress)
    missing = False
    for name in names:
        kept = shelf.find(material, cell, name)
        if kept is None:
            missing = True
            kept = score(world(), name, desk=desk)
            shelf.keep(material, cell, name, kept)
        found[name] = kept
    if missing:
        desk.clear()
    return found


def _inputs(material: Material, cell: Cell, name: str) -> dict[str, str]:
    """Digest of all that a system's scores in a cell depend on."""
    system = find_system(name)
    recipe = system.settings(material.recipe)
    settings = {
        "split": cell.split,
        "seed": cell.seed,
        "fold": None if cell.fold is None else [cell.fold, recipe.evaluate.folds],
        "test_fraction": recipe.evaluate.test_fraction if cell.fold is None else None,
        "factors": recipe.factors.model_dump(mode="json", exclude={"seed"}),
        **{name: getattr(recipe, name).model_dump(mode="json") for name in system.sections},
    }
    if recipe.evaluate.rank_by != "tracks":
        settings["rank"] = recipe.evaluate.rank_by
    if cell.labels < 1:
        settings["labels"] = cell.labels
    if system.reads_truth and material.truth is not None:
        settings["truth"] = artifacts.fingerprint(material.truth.vectors.tobytes())
    return {
        "material": material.fingerprint,
        "settings": artifacts.fingerprint(settings),
        "system": f"{system.kept_as or name}, version {VERSION}.{system.version}",
    }
