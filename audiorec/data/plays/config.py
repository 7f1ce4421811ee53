"""Settings of the bot filter, and the weight of a rating."""

from __future__ import annotations

from typing import ClassVar, Literal

from audiorec.config_base import Section

RATING_PLAYS = 10.0  # plays or skips that a full rating (1 or -1) is equivalent to

Rule = Literal["daily", "repeat", "identical"]


class InteractionsConfig(Section):
    """Bot filter.

    Attributes
    ----------
    rules : tuple of {"daily", "repeat", "identical"}
        Rules that make a listener suspect; see `audiorec.data.plays.bot_filter`, which has their
        limits. Without rules nobody is left out.
    keep : tuple of str
        Listeners who are never left out.
    """

    rules: tuple[Rule, ...] = ("daily", "repeat", "identical")
    keep: tuple[str, ...] = ()
    former: ClassVar[frozenset[str]] = frozenset(
        {
            "repeat_per_day", "repeat_share", "repeat_plays", "identical_listeners",
            "identical_tracks", "rating_plays", "plays_per_day",
        }
    )  # fmt: skip
