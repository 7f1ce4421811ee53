"""The way from cold to warm of what an evaluation has scored anyway, for its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import Embeddings
from audiorec.evaluate.material import Material
from audiorec.evaluate.placed import Sound
from audiorec.evaluate.protocol import Cell, World
from audiorec.evaluate.scores import CellScores, Shelf
from audiorec.evaluate.systems import CNN, RIDGE
from audiorec.evaluate.thin import K, Thinned, ThinRow, score_thinned, summarise
from audiorec.exceptions import ArtifactError, NewerError
from audiorec.factors import AGREEMENT

KIND = "warming"
VERSION = 2


class Warming(NamedTuple):
    """Accuracy on new tracks by how many listeners they have: a system's name, and the rows."""

    system: str
    rows: tuple[ThinRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, but for `Interval`."""
        rows = [row._asdict() for row in self.rows]
        return {"system": self.system, "metric": f"nDCG@{K}", "rows": rows}


def followed(names: Sequence[str]) -> str | None:
    """The system that places tracks by their sound: the network, or else the linear one."""
    return next((name for name in (CNN, RIDGE) if name in names), None)


def follow(
    scores: Mapping[str, CellScores], name: str, *, place: Path | None, world: Callable[[], World]
) -> Thinned | None:
    """Give a hold-out's new tracks plays back, or take what came of it before.

    Parameters
    ----------
    scores : mapping of str to CellScores
        The hold-out's.
    name : str
        Which of them places tracks by their sound.
    place : Path or None
        Where it is kept.
    world : callable
        Prepares the hold-out; asked only where nothing is kept.
    """
    details = scores[name].details
    if details is None or not len(details.vectors):
        return None
    kept = None if place is None else _kept(place)
    if kept is not None:
        return kept
    told = world()
    length = np.linalg.norm(told.targets.vectors, axis=1).mean()
    told_at = np.linalg.norm(details.vectors, axis=1).mean() or 1.0
    vectors = details.vectors.astype(np.float32) * np.float32(length / told_at)
    agreement = scores[name].facts.get("agreement", AGREEMENT)
    found = score_thinned(told, Sound(Embeddings(told.cold, vectors), agreement))
    if place is not None:
        arrays = {"values": found.values, "have": np.array(found.have)}
        artifacts.save(place, kind=KIND, arrays=arrays, config={"version": VERSION}, inputs={})
    return found


def place_of(shelf: Shelf, material: Material, cell: Cell, name: str) -> Path | None:
    """Where what came of a hold-out is kept; it depends on the blend too."""
    place = shelf.place(material, cell, name, kind=KIND)
    half = material.recipe.index.prior_half_life_users
    return None if place is None else place.with_name(f"{place.name}-{half:g}")


def bring_together(name: str, cells: Sequence[Thinned], *, n_resamples: int) -> Warming:
    """A row per number of plays."""
    return Warming(name, tuple(summarise(cells, n_resamples=n_resamples)))


def _kept(place: Path) -> Thinned | None:
    try:
        manifest = artifacts.load_manifest(place, kind=KIND, check="digests")
        if manifest.config.get("version") != VERSION:
            return None
        values, have = (
            artifacts.load_array(place, manifest, name, mmap=False) for name in ("values", "have")
        )
    except NewerError:
        raise
    except ArtifactError:
        return None
    return Thinned(values, tuple(have.tolist()))
