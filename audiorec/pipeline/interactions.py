"""The listening that is learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.pipeline.recipe import Recipe
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.bot_filter import Suspects
    from audiorec.data.interactions import Interactions


def filtered_interactions(workspace: Workspace, recipe: Recipe) -> tuple[Interactions, Suspects]:
    """The plays that factors are fitted to, and whom they leave out."""
    from audiorec.data.bot_filter import check_keep, find_suspects
    from audiorec.data.interactions import to_interactions
    from audiorec.data.plays import load_plays

    plays = load_plays(workspace.plays)
    check_keep(plays, config=recipe.interactions)
    suspects = find_suspects(plays, config=recipe.interactions)
    interactions = to_interactions(
        suspects.without(plays),
        rating_plays=recipe.interactions.rating_plays,
        min_tracks_per_user=recipe.factors.min_tracks_per_user,
        min_users_per_track=recipe.factors.min_users_per_track,
    )
    return interactions, suspects
