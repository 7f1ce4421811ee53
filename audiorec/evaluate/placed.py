"""Held-out tracks where their sound places them, kept from one evaluation to the next."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate.answers import Vectors
from audiorec.evaluate.protocol import World
from audiorec.evaluate.scores import Shelf
from audiorec.evaluate.systems import SYSTEMS, find_system
from audiorec.exceptions import ArtifactError, NewerError, ParameterError
from audiorec.factors import AGREEMENT
from audiorec.progress import Progress

KIND = "sound"
PLACING = ("baseline", "model")  # roles of systems that place tracks by what is known of them


class Sound(NamedTuple):
    """Cold tracks, placed by their sound.

    Attributes
    ----------
    tracks : Embeddings
    agreement : float
        How far to trust them; see `audiorec.factors.PriorDecay`.
    earlier : float
        Seconds that this took in an earlier evaluation, which kept it; 0 where it took them now.
    """

    tracks: Embeddings
    agreement: float
    earlier: float = 0.0


def from_sound(
    world: World, system: str, *, work_directory: Path | None, progress: Progress
) -> Sound:
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
            kept = artifacts.load_manifest(place, kind=KIND, check="digests")
            if "scale" in kept.extra:  # else from before lengths were those that are served
                return Sound(
                    Embeddings.load(place, kind=KIND),
                    kept.extra["agreement"],
                    kept.extra.get("seconds", 0.0),
                )
        except NewerError:
            raise
        except ArtifactError:
            pass  # not there yet, or damaged: made again below
    start = time.monotonic()
    desk = shelf.desk(world.material, world.cell, progress=progress)
    answer = find_system(system).answer(world, desk)
    draw = next(iter(answer.draws))
    if not isinstance(draw, Vectors) or draw.listeners is not None:
        raise ParameterError(f"system {system!r} gives no vectors in the listeners' space")
    vectors = draw.cold
    if answer.scale is not None:
        vectors = vectors * np.float32(answer.scale)
    elif world.material.recipe.train.unit_norm:
        norms = np.linalg.norm(world.targets.vectors, axis=1)
        vectors = unit_norm(vectors) * norms.mean()
    found = Sound(Embeddings(world.cold, vectors), answer.facts.get("agreement", AGREEMENT))
    if place is not None:
        found.tracks.save(
            place,
            kind=KIND,
            extra={
                "agreement": found.agreement,
                "scale": answer.scale,
                "seconds": time.monotonic() - start,
            },
        )
        desk.clear()
    return found


def _check(system: str) -> None:
    if find_system(system).role not in PLACING:
        able = [name for name, entry in SYSTEMS.items() if entry.role in PLACING]
        known = ", ".join(repr(name) for name in able)
        raise ParameterError(f"system {system!r} does not place tracks; choose from {known}")
