"""Held-out evaluation: splits x seeds x systems, with baselines, controls and two oracles.

`protocol` holds tracks out and says who is scored on what; `systems` are the ways to place a track
that nobody has played yet; `scores` puts numbers on each; `report` puts them side by side.
"""

from audiorec.evaluate.report import Report
from audiorec.evaluate.run import evaluate
from audiorec.evaluate.systems import SYSTEMS

__all__ = ["SYSTEMS", "Report", "evaluate"]
