"""Factors stage: filtered plays, and factors fitted to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.data.plays.config import RATING_PLAYS
from audiorec.embeddings import Embeddings
from audiorec.factors import Factors, fit_factors, fold_in_users
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

    from audiorec.data.plays import Interactions, Suspects

# Imports in functions: polars, needed only if factors are stale.


class FittedFactors(NamedTuple):
    """Fitted factors, with the excluded listeners.

    Attributes
    ----------
    factors : Factors
    suspects : Suspects
        Listeners left out as suspects.
    summary : str
        Human-readable summary.
    """

    factors: Factors
    suspects: Suspects
    summary: str


def filtered_plays(workspace: Workspace, recipe: Recipe) -> tuple[pl.DataFrame, Suspects]:
    """Return the plays that factors are fitted to, and the listeners left out."""
    from audiorec.data import read_session_plays
    from audiorec.data.plays import check_keep, find_suspects, load_plays

    by_session = recipe.factors.rows == "sessions"
    if by_session:
        plays = read_session_plays(workspace.plays)
    else:
        plays = load_plays(workspace.plays, coded=True)
    check_keep(plays, config=recipe.interactions)
    suspects = find_suspects(plays, config=recipe.interactions)
    return suspects.without(plays), suspects


def fit_listening(
    workspace: Workspace, recipe: Recipe, *, progress: Progress = silent
) -> FittedFactors:
    """Factorise a workspace's plays: by listener, or by session if the recipe says so.

    Raises
    ------
    DataError
        If there are too few plays.
    NoSessionsError
        If sessions are requested, but no play has a time or a session.
    """
    plays, suspects = filtered_plays(workspace, recipe)
    by_session = recipe.factors.rows == "sessions"
    if by_session:
        factors, rows = fit_sessions(plays, recipe, progress=progress)
    else:
        rows = enough_interactions(plays, recipe)
        factors = fit_factors(rows, config=recipe.factors, progress=progress)
    what = "sessions" if by_session else "listeners"
    of = f"{len(factors.by_row.users)} sessions of " if by_session else ""
    summary = (
        f"{of}{len(factors.users)} listeners, {len(factors.tracks)} tracks; left out "
        f"{rows.users_left_out} {what} and {rows.tracks_left_out} tracks with too few plays"
    )
    return FittedFactors(factors, suspects, summary)


def fit_sessions(
    plays: pl.DataFrame, recipe: Recipe, *, progress: Progress = silent
) -> tuple[Factors, Interactions]:
    """Factorise sessions and tracks; also return the factorised interactions.

    The inner product of a session and a track predicts whether the track was played in it, so the
    mean of a listener's sessions predicts how often they play it: that is their vector. A fold-in
    from all of a listener's plays, as for listener factors, would make their preferences uniform.
    Only listeners without a valid session are folded in.

    Parameters
    ----------
    plays : pl.DataFrame
        See `audiorec.data.sessions.make_sessions`.
    recipe : Recipe
    progress : Progress
    """
    from audiorec.data import session_rows
    from audiorec.data.plays import to_interactions

    sessions = session_rows(plays, gap_minutes=recipe.sessions.session_gap_minutes)
    rows = enough_interactions(sessions.plays, recipe)
    fitted = fit_factors(rows, config=recipe.factors, progress=progress)
    listeners = to_interactions(plays)
    folded = fold_in_users(fitted, listeners.only_tracks(fitted.tracks.ids), config=recipe.factors)
    of_user: dict[str, list[int]] = {}
    for row, session in enumerate(fitted.users.ids):
        of_user.setdefault(sessions.owners[session], []).append(row)
    means = [fitted.users.vectors[of_user[user]].mean(axis=0) for user in of_user]
    users = folded.updated(Embeddings(list(of_user), np.stack(means)))
    return Factors(users.take(sorted(users.ids)), fitted.tracks, fitted.users), rows


def enough_interactions(plays: pl.DataFrame, recipe: Recipe) -> Interactions:
    """Convert plays to a matrix, without listeners and tracks that have too few."""
    from audiorec.data.plays import to_interactions

    return to_interactions(
        plays,
        min_tracks_per_user=recipe.factors.min_tracks_per_user,
        min_users_per_track=recipe.factors.min_users_per_track,
    )


def bot_filter_settings(recipe: Recipe) -> dict[str, Any]:
    """Return the settings that turn plays into interactions, including constants."""
    return recipe.interactions.model_dump(mode="json") | {"rating_plays": RATING_PLAYS}


def factor_settings(recipe: Recipe) -> dict[str, Any]:
    """Return settings of other sections that factors depend on, named as in their manifest."""
    settings: dict[str, Any] = {"interactions": bot_filter_settings(recipe)}
    if recipe.factors.rows == "sessions":
        settings["session_gap_minutes"] = recipe.sessions.session_gap_minutes
    return settings
