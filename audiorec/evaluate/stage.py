"""Who and what stood in a hold-out: as much of a world as a picture of it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import unit_norm
from audiorec.evaluate.items import items_of
from audiorec.evaluate.protocol import World
from audiorec.exceptions import ArtifactError, NewerError

KIND = "stage"


class Stage(NamedTuple):
    """A hold-out's tracks.

    Attributes
    ----------
    cold, warm : tuple of str
        Candidates, and training tracks that can be heard.
    items : tuple of str
        What was ranked: `cold`, or artists.
    listeners : np.ndarray [shape=(n_items,)], int64
        Of each item.
    factors : np.ndarray [shape=(n_warm, d)], float16
        Of `warm`, scaled to length 1.
    suspects : int
        Listeners who were left out.
    """

    cold: tuple[str, ...]
    warm: tuple[str, ...]
    items: tuple[str, ...]
    listeners: np.ndarray
    factors: np.ndarray
    suspects: int = 0


def stage_of(world: World) -> Stage:
    """What there is to keep of a world."""
    items = items_of(world)
    factors = unit_norm(world.targets.vectors).astype(np.float16)
    return Stage(
        world.cold,
        world.targets.ids,
        items.names,
        items.listeners,
        factors,
        suspects=len(world.suspects),
    )


def save_stage(place: Path, stage: Stage) -> None:
    """Write a stage."""
    artifacts.save(
        place,
        kind=KIND,
        arrays={"listeners": stage.listeners, "factors": stage.factors},
        config={},
        inputs={},
        extra={
            "cold": stage.cold,
            "warm": stage.warm,
            "items": stage.items,
            "suspects": stage.suspects,
        },
    )


def load_stage(place: Path) -> Stage | None:
    """A stage that was kept, or None where there is none or it is damaged."""
    try:
        manifest = artifacts.load_manifest(place, kind=KIND, check="digests")
        return Stage(
            **{name: tuple(manifest.extra[name]) for name in ("cold", "warm", "items")},
            suspects=manifest.extra["suspects"],
            listeners=artifacts.load_array(place, manifest, "listeners", mmap=False),
            factors=artifacts.load_array(place, manifest, "factors", mmap=False),
        )
    except NewerError:
        raise
    except (ArtifactError, KeyError):
        return None


def kept_stage(place: Path | None, world: Callable[[], World]) -> Stage:
    """The stage that was kept, or that of a world, which is asked for only then, kept from now on.

    Parameters
    ----------
    place : Path or None
        None keeps nothing.
    world : callable
    """
    stage = None if place is None else load_stage(place)
    if stage is None:
        stage = stage_of(world())
        if place is not None:
            save_stage(place, stage)
    return stage
