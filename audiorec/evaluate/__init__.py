"""Held-out evaluation: splits x seeds x systems, with baselines, controls and two oracles.

`protocol` holds tracks out and says who is scored on what; `systems` are the ways to place a track
that nobody has played yet; `scores` puts numbers on each; `report` puts them side by side. `thin`
follows tracks from cold to warm, `labels` a system from few labels to all, and `reach` asks which
tracks come up at all. `neighbours` needs no
listening: it asks whether an artist's tracks, and versions of a song, lie near each other.
"""

from audiorec.evaluate.labels import LabelReport, evaluate_labels
from audiorec.evaluate.neighbours import NeighbourReport, evaluate_neighbours
from audiorec.evaluate.reach import evaluate_reach
from audiorec.evaluate.report import Report
from audiorec.evaluate.run import evaluate
from audiorec.evaluate.systems import SYSTEMS
from audiorec.evaluate.thin import evaluate_thin

__all__ = [
    "SYSTEMS",
    "LabelReport",
    "NeighbourReport",
    "Report",
    "evaluate",
    "evaluate_labels",
    "evaluate_neighbours",
    "evaluate_reach",
    "evaluate_thin",
]
