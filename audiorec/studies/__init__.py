"""Studies: single questions put to the evaluation, and runs on public data sets.

The evaluation does not know them. ``audiorec evaluate --study NAME`` asks one of `STUDIES`; to add
one: a module with a `run`, and its line here. The modules that it does not list are commands of
their own (``python -m audiorec.studies.hetrec``).
"""

from __future__ import annotations

STUDIES: dict[str, str] = {
    "ablation": "The recipe's model with settings changed, beside itself (--vary KEY=VALUE).",
    "cold-to-warm": "New tracks get the plays of 0, 1, 2, 5, 10 and 50 listeners back.",
    "descriptors": "How near tempo and key come to those of a made world, beside librosa's.",
    "explanations": "Whether what 'explain --sound' names carries the match: the deletion test.",
    "label-efficiency": "Only some of the training tracks have listeners (--labels 5,10,50).",
    "neighbours": "Without any listening: artists, songs and genres among the nearest tracks.",
    "one-listener": "Whether one listener's sessions place new tracks better than sound alone.",
    "playlists": "Agreement beside the mean, arcs and paths, on a made world.",
    "popularity-and-hubs": "What --popularity and [index] hubs cost, and which tracks come up.",
    "sessions": "How well session models predict the next track, of warm tracks and of new ones.",
}
"""What each asks; its module is named alike, with underscores."""
