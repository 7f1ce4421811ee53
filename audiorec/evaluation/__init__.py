"""Held-out evaluation: splits x seeds x systems, with baselines, controls and two oracles.

`data` gathers sound, plays and tracks; `holdout` holds tracks out and says who is scored on what;
`systems` are the ways to place a track that nobody has played yet; `scores` puts numbers on each
by `audiorec.metrics`, and `score_cache` keeps them; `report` puts them side by side, as text, JSON
and a page. Studies of single questions stand in `audiorec.studies`.
"""

from audiorec.evaluation.report import Report
from audiorec.evaluation.run import evaluate
from audiorec.evaluation.systems import SYSTEMS

__all__ = ["SYSTEMS", "Report", "evaluate"]
