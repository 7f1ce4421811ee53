"""Who and what stood in a hold-out: as much of it as tables and pictures need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import unit_norm
from audiorec.evaluation.candidates import candidates_of
from audiorec.evaluation.holdout import Holdout
from audiorec.exceptions import ArtifactError, NewerError

KIND = "holdout"
TUPLES = ("cold", "warm", "items", "users", "groups")


class HoldoutSummary(NamedTuple):
    """A hold-out's tracks.

    Attributes
    ----------
    cold, warm : tuple of str
        Candidates, and training tracks with audio.
    items : tuple of str
        What was ranked: `cold`, or artists.
    users : tuple of str
        Listeners who were scored.
    groups : tuple of str
        Artists of what was ranked, sorted: whose effects scores hold.
    listeners : np.ndarray [shape=(n_items,)], int64
        How many each item has.
    factors : np.ndarray [shape=(n_warm, d)], float16
        Of `warm`, scaled to length 1.
    suspects : int
        Listeners who were left out.
    """

    cold: tuple[str, ...]
    warm: tuple[str, ...]
    items: tuple[str, ...]
    users: tuple[str, ...]
    groups: tuple[str, ...]
    listeners: np.ndarray
    factors: np.ndarray
    suspects: int = 0


def summary_of(holdout: Holdout) -> HoldoutSummary:
    """What there is to keep of a hold-out."""
    candidates = candidates_of(holdout)
    factors = unit_norm(holdout.targets.vectors).astype(np.float16)
    return HoldoutSummary(
        holdout.cold,
        holdout.targets.ids,
        candidates.names,
        holdout.listeners,
        tuple(np.unique(candidates.groups).tolist()),
        candidates.listeners,
        factors,
        suspects=len(holdout.suspects),
    )


def save_summary(place: Path, summary: HoldoutSummary) -> None:
    """Write a hold-out's summary."""
    artifacts.save(
        place,
        kind=KIND,
        arrays={"listeners": summary.listeners, "factors": summary.factors},
        config={},
        inputs={},
        extra={
            "cold": summary.cold,
            "warm": summary.warm,
            "items": summary.items,
            "users": summary.users,
            "groups": summary.groups,
            "suspects": summary.suspects,
        },
    )


def load_summary(place: Path) -> HoldoutSummary | None:
    """A summary that was kept, or None where there is none or it is damaged."""
    try:
        manifest = artifacts.load_manifest(place, kind=KIND, check="digests")
        return HoldoutSummary(
            **{name: tuple(manifest.extra[name]) for name in TUPLES},
            suspects=manifest.extra["suspects"],
            listeners=artifacts.load_array(place, manifest, "listeners", mmap=False),
            factors=artifacts.load_array(place, manifest, "factors", mmap=False),
        )
    except NewerError:
        raise
    except (ArtifactError, KeyError):
        return None


def kept_summary(place: Path | None, holdout: Callable[[], Holdout]) -> HoldoutSummary:
    """The summary that was kept, or that of a hold-out, asked for only then and kept from now on.

    Parameters
    ----------
    place : Path or None
        None keeps nothing.
    holdout : callable
    """
    summary = None if place is None else load_summary(place)
    if summary is None:
        summary = summary_of(holdout())
        if place is not None:
            save_summary(place, summary)
    return summary
