"""Sessions stage: training of session models."""

from __future__ import annotations

from typing import Literal

from audiorec import artifacts
from audiorec.pipeline.factors import bot_filter_settings
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent
from audiorec.sessions.session_recommender import content_fingerprint
from audiorec.workspace import Workspace

# Imports in functions: torch and polars, needed only for training.


def missing_sessions(workspace: Workspace) -> str:
    """Return the reason why there are no sessions to learn from; empty if there are."""
    from audiorec.sessions import have_sessions

    if artifacts.load_valid(workspace.plays, kind="plays", check="manifest") is None:
        return "there are no plays"
    return "" if have_sessions(workspace.plays) else "no play has a time or a session"


def run_sessions(
    workspace: Workspace,
    recipe: Recipe,
    *,
    check: Literal["digests", "sizes"] = "digests",
    progress: Progress = silent,
) -> str | None:
    """Train the session models if plays, settings or the content model have changed.

    Parameters
    ----------
    workspace : Workspace
    recipe : Recipe
    check : {"digests", "sizes"}
        See `audiorec.pipeline.Pipeline.run`.
    progress : Progress

    Returns
    -------
    summary : str or None
        None if they are up to date.

    Raises
    ------
    ArtifactError
        If there are no plays.
    NoSessionsError
        If there is no session of two plays.
    """
    listening = bot_filter_settings(recipe)
    plays = artifacts.load_manifest(workspace.plays, kind="plays", check=check)
    inputs = {"plays": plays.fingerprint, "listening": artifacts.fingerprint(listening)}
    content = artifacts.load_valid(workspace.embeddings, kind="embeddings")
    if content is not None:
        inputs["model"] = content_fingerprint(content)
    config = recipe.sessions.model_dump(mode="json")
    if artifacts.is_fresh(workspace.sessions, kind="sessions", inputs=inputs, config=config):
        return None
    from audiorec.data.plays import find_suspects, load_plays
    from audiorec.sessions import train_sessions

    suspects = find_suspects(load_plays(workspace.plays), config=recipe.interactions)
    return train_sessions(
        workspace,
        config=recipe.sessions,
        inputs=inputs,
        without_users=suspects.users,
        progress=progress,
    )
