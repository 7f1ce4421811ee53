"""The studies that ``audiorec evaluate --study NAME`` asks.

To add one: a module with a `run`, named alike with underscores, and its line here.
"""

from __future__ import annotations

from typing import NamedTuple

HELD_OUT = "--split, --seed, --folds and --rank"


class Study(NamedTuple):
    """A question, and the options of ``audiorec evaluate`` that it looks at."""

    asks: str
    options: tuple[str, ...] = ()


STUDIES: dict[str, Study] = {
    "ablation": Study(
        "the recipe's model with --vary settings changed",
        ("--vary", "--truth", "--system", HELD_OUT),
    ),
    "cold-to-warm": Study("new tracks get plays back", ("--system", HELD_OUT)),
    "descriptors": Study("tempo and key beside those of a made world (--truth)", ("--truth",)),
    "explanations": Study("whether what 'explain --sound' names carries the match"),
    "label-efficiency": Study(
        "only some tracks have listeners, see --labels",
        ("--labels", "--truth", "--system", HELD_OUT),
    ),
    "neighbours": Study(
        "artists, songs and genres among the nearest tracks, without any listening"
    ),
    "one-listener": Study(
        "whether the sessions of one person alone place new artists better than sound",
        ("--truth",),
    ),
    "playlists": Study("agreement, arcs and paths on a made world (--truth)", ("--truth",)),
    "popularity-and-hubs": Study(
        "what --popularity and [index] hubs cost, and which tracks come up",
        ("--system", HELD_OUT),
    ),
    "sessions": Study("how well session models predict what comes next", ("--truth", HELD_OUT)),
}
