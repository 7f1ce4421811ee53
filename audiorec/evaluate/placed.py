"""Held-out tracks where their sound places them, kept from one evaluation to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate.protocol import World
from audiorec.evaluate.scores import Shelf
from audiorec.evaluate.systems import SYSTEMS, Vectors
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.progress import Progress

KIND = "sound"


def from_sound(
    world: World, system: str, *, work_directory: Path | None, progress: Progress
) -> Embeddings:
    """Vectors of the cold tracks as an index would serve them: as long as factors are.

    Parameters
    ----------
    world : World
    system : str
        A baseline or model of `SYSTEMS` that gives one vector per track.
    work_directory : Path or None
        Where they are kept, and where a network's training goes on after a kill.
    progress : Progress

    Raises
    ------
    ParameterError
        If `system` is none of those.
    """
    _check(system)
    shelf = Shelf(work_directory)
    place = shelf.place(world.material, world.cell, system, kind=KIND)
    if place is not None:
        try:
            return Embeddings.load(place, kind=KIND)
        except ArtifactError:
            pass  # not there yet, or damaged: made again below
    desk = shelf.desk(world.material, world.cell, system, progress=progress)
    draw = next(iter(SYSTEMS[system].answer(world, desk).draws))
    if not isinstance(draw, Vectors) or draw.listeners is not None:
        raise ParameterError(f"system {system!r} gives no vectors in the listeners' space")
    vectors = draw.cold
    if world.material.recipe.train.unit_norm:
        norms = np.linalg.norm(world.targets.vectors, axis=1)
        vectors = unit_norm(vectors) * norms.mean()
    found = Embeddings(world.cold, vectors)
    if place is not None:
        found.save(place, kind=KIND)
    return found


def _check(system: str) -> None:
    able = [name for name, entry in SYSTEMS.items() if entry.role in ("baseline", "model")]
    if system not in able:
        known = ", ".join(repr(name) for name in able)
        raise ParameterError(f"system {system!r} does not place tracks; choose from {known}")
