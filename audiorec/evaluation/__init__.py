"""Held-out evaluation: splits x seeds x systems, with baselines, controls and two oracles.

`data` gathers spectrograms, plays and tracks; `holdout` holds tracks out and selects the scored
listeners; `systems` predict vectors of tracks that nobody has played yet; `scores` evaluates each
by `audiorec.metrics`, and `score_cache` stores the scores; `report` compares them, as text, JSON
and a page. Studies of single questions are in `audiorec.studies`.
"""

from audiorec.evaluation.report import Report
from audiorec.evaluation.run import evaluate
from audiorec.evaluation.systems import SYSTEMS

__all__ = ["SYSTEMS", "Report", "evaluate"]
