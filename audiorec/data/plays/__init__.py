"""Listening: stored plays, and their matrix of listeners and tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.data.plays.bot_filter import Suspects, check_keep, daily_plays, find_suspects
    from audiorec.data.plays.config import InteractionsConfig
    from audiorec.data.plays.feedback import give_feedback
    from audiorec.data.plays.interactions import Interactions, to_interactions
    from audiorec.data.plays.matched_names import (
        UnmatchedName,
        assign_tracks,
        read_corrections,
        rematch_names,
        unmatched_names,
        write_unmatched,
    )
    from audiorec.data.plays.net_play_counts import net_plays
    from audiorec.data.plays.pseudonyms import pseudonym, stored_name, stored_names
    from audiorec.data.plays.removal import forget_user, list_parts, remove_parts
    from audiorec.data.plays.store import all_played_tracks, load_plays
    from audiorec.data.plays.uncatalogued_names import PlayedNames
    from audiorec.data.plays.writer import ImportReport, PlaysWriter, writing_plays

__all__ = [
    "ImportReport",
    "Interactions",
    "InteractionsConfig",
    "PlayedNames",
    "PlaysWriter",
    "Suspects",
    "UnmatchedName",
    "all_played_tracks",
    "assign_tracks",
    "check_keep",
    "daily_plays",
    "find_suspects",
    "forget_user",
    "give_feedback",
    "list_parts",
    "load_plays",
    "net_plays",
    "pseudonym",
    "read_corrections",
    "rematch_names",
    "remove_parts",
    "stored_name",
    "stored_names",
    "to_interactions",
    "unmatched_names",
    "write_unmatched",
    "writing_plays",
]

# Imported when asked for: most load polars, which answers do without.
__getattr__ = lazy_attributes(
    __name__,
    {
        "bot_filter": ("Suspects", "check_keep", "daily_plays", "find_suspects"),
        "config": ("InteractionsConfig",),
        "feedback": ("give_feedback",),
        "interactions": ("Interactions", "to_interactions"),
        "matched_names": (
            "UnmatchedName",
            "assign_tracks",
            "read_corrections",
            "rematch_names",
            "unmatched_names",
            "write_unmatched",
        ),
        "net_play_counts": ("net_plays",),
        "pseudonyms": ("pseudonym", "stored_name", "stored_names"),
        "removal": ("forget_user", "list_parts", "remove_parts"),
        "store": ("all_played_tracks", "load_plays"),
        "uncatalogued_names": ("PlayedNames",),
        "writer": ("ImportReport", "PlaysWriter", "writing_plays"),
    },
)
