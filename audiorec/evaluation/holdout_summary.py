"""Summary of a hold-out, for tables and pictures."""

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
    """Tracks and listeners of a hold-out.

    Attributes
    ----------
    cold, warm : tuple of str
        Candidates, and training tracks with audio.
    items : tuple of str
        Ranked items: `cold`, or artists.
    users : tuple of str
        Scored listeners.
    groups : tuple of str
        Artists of the ranked items, sorted, in the order of the scores' effects.
    listeners : np.ndarray [shape=(n_items,)], int64
        Number of listeners of each item.
    factors : np.ndarray [shape=(n_warm, d)], float16
        Factors of `warm`, of unit norm.
    suspects : int
        Number of listeners left out as suspects.
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
    """Summarize a hold-out."""
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
    """Load a stored summary; None if it is missing or damaged."""
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
    """Load a stored summary, or else make the hold-out and store its summary.

    Parameters
    ----------
    place : Path or None
        None stores nothing.
    holdout : callable
    """
    summary = None if place is None else load_summary(place)
    if summary is None:
        summary = summary_of(holdout())
        if place is not None:
            save_summary(place, summary)
    return summary
