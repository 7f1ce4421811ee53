"""User profile: a listener's plays, and their vector."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ArtifactError, NotFoundError
from audiorec.index import Index
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.factors import Factors

# Imports in functions: polars, needed only for listeners.


def tracks_played_by(workspace: Workspace, user: str) -> set[str]:
    """Return the tracks that a listener has played.

    Raises
    ------
    NotFoundError
        If nothing is known of them.
    """
    import polars as pl

    from audiorec.data.plays import load_plays

    if not artifacts.exists(workspace.plays):
        raise NotFoundError(
            f"no listening is known, of {user!r} or anyone else; import some with "
            "'audiorec plays FILE', or ask 'audiorec similar'"
        )
    plays = load_plays(workspace.plays)
    played = plays.filter(pl.col("user_id") == user)
    if not len(played):
        raise NotFoundError(f"unknown listener {user!r}; name a user_id of the imported listening")
    return set(played["track_id"].to_list())


def liked_tracks(workspace: Workspace, user: str) -> set[str]:
    """Return the tracks that a listener has played without negative feedback.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    import polars as pl

    from audiorec.data.plays import load_plays, net_plays

    plays = load_plays(workspace.plays).filter(pl.col("user_id") == user)
    net = net_plays(plays)
    summed = net.group_by("track_id").agg(pl.col("plays").sum()).filter(pl.col("plays") > 0)
    if not len(summed):
        raise NotFoundError(
            f"listener {user!r} has only skipped or disliked what they played; import more "
            "listening, or say what they like: 'audiorec feedback like TRACK'"
        )
    return set(summed["track_id"].to_list())


def last_played(workspace: Workspace, user: str) -> dict[str, float]:
    """Return the time (s since 1970) of a listener's last play of each track, where known.

    Raises
    ------
    NotFoundError
        If no play of theirs has a time.
    """
    import polars as pl

    from audiorec.data.plays import load_plays

    tracks_played_by(workspace, user)
    plays = load_plays(workspace.plays).filter(
        (pl.col("user_id") == user) & pl.col("timestamp").is_not_null()
    )
    if not len(plays):
        raise NotFoundError(
            f"no play of listener {user!r} has a time; import a history that has, or leave "
            "unplayed-since out"
        )
    last = plays.group_by("track_id").agg(pl.col("timestamp").max())
    return dict(zip(last["track_id"].to_list(), last["timestamp"].to_list(), strict=True))


def user_factor(workspace: Workspace, factors: Factors, user: str) -> np.ndarray:
    """Return the factor of a listener : np.ndarray [shape=(d,)], float32.

    Raises
    ------
    NotFoundError
        If there is none: they were left out, or have too few plays.
    """
    if user in factors.users:
        return factors.users[user]
    if reason := _suspicion(workspace, user):
        raise NotFoundError(
            f"listener {user!r} was left out as suspect ({reason}); where that is a person, "
            f"put keep = [{json.dumps(user, ensure_ascii=False)}] under [interactions] in the "
            "recipe and run 'audiorec run'"
        )
    space = artifacts.load_manifest(workspace.factors, kind="factors")
    if stale_plays(workspace, made=space.inputs.get("plays")):
        raise NotFoundError(
            f"listener {user!r} is not in the factors, and plays are newer than these; "
            "run 'audiorec run' to include them"
        )
    raise NotFoundError(
        f"listener {user!r} has played too little to be recommended to; "
        "lower [factors] min_tracks_per_user in the recipe and run 'audiorec run'"
    )


def stale_plays(workspace: Workspace, *, made: str | None) -> bool:
    """Whether the stored plays differ from those that an artifact was made from.

    Parameters
    ----------
    workspace : Workspace
    made : str or None
        Fingerprint of the plays that it was made from; None if unknown.
    """
    if made is None:
        return False
    try:
        plays = artifacts.load_manifest(workspace.plays, kind="plays", check="manifest")
    except ArtifactError:
        return False
    return plays.fingerprint != made


def mean_vector(index: Index, played: Collection[str], user: str) -> np.ndarray:
    """Compute the mean of a listener's played tracks : np.ndarray [shape=(d,)], float32.

    Raises
    ------
    NotFoundError
        If none of them is in the index.
    """
    played = [track_id for track_id in sorted(played) if track_id in index]
    if not played:
        raise NotFoundError(
            f"no track that listener {user!r} has played is in the index; scan their files"
        )
    vectors = index.embeddings().take(played).normalized().vectors
    return np.asarray(vectors.mean(axis=0), dtype=np.float32)


def _suspicion(workspace: Workspace, user: str) -> str:
    """Return why the bot filter left a listener out; empty if it did not."""
    from audiorec.data.plays import InteractionsConfig, find_suspects, load_plays

    made = artifacts.load_manifest(workspace.factors, kind="factors")
    if not made.extra.get("suspects"):
        return ""
    config = InteractionsConfig(**made.extra["interactions"])
    suspects = find_suspects(load_plays(workspace.plays), config=config)
    return suspects.reason(user) if user in suspects else ""
