"""Registry of the studies of ``audiorec evaluate --study NAME``.

To add one: a module with a `run`, of the same name with underscores, and a line here.
"""

from __future__ import annotations

from typing import NamedTuple

HELD_OUT = "--split, --seed, --folds and --rank"


class Study(NamedTuple):
    """A study's question, and the options of ``audiorec evaluate`` that it uses."""

    asks: str
    options: tuple[str, ...] = ()


STUDIES: dict[str, Study] = {
    "ablation": Study(
        "the recipe's model with the settings of --vary changed",
        ("--vary", "--truth", "--system", HELD_OUT),
    ),
    "cold-to-warm": Study("accuracy as new tracks get plays", ("--system", HELD_OUT)),
    "descriptors": Study("tempo and key against those of a demo world (--truth)", ("--truth",)),
    "explanations": Study("whether the seconds and bands of 'explain --sound' make the match"),
    "label-efficiency": Study(
        "accuracy if only some tracks have listeners, see --labels",
        ("--labels", "--truth", "--system", HELD_OUT),
    ),
    "neighbours": Study("artists, songs and genres among the nearest tracks, without listening"),
    "one-listener": Study(
        "whether one person's sessions rank new artists better than sound alone",
        ("--truth",),
    ),
    "playlists": Study("agreement, arcs and paths on a demo world (--truth)", ("--truth",)),
    "popularity-and-hubs": Study(
        "what --popularity and [index] hubs cost, and which tracks come up",
        ("--system", HELD_OUT),
    ),
    "sessions": Study("how well session models predict what is played next", ("--truth", HELD_OUT)),
}
