"""Systems: predictors of vectors for tracks that nobody has played yet, and controls.

A system is a function of a prepared hold-out. It predicts a vector in the listeners' space for
every cold track, or a score for every listener and cold track; several times if it is random. To
add one: a module with its own `SYSTEMS`, and a line in `SYSTEMS` of ``registry``.
"""

from __future__ import annotations

from audiorec.evaluation.systems.base import (
    PredictedVectors,
    Prediction,
    Role,
    ScoreMatrix,
    System,
    WorkDir,
)
from audiorec.evaluation.systems.content import name_of
from audiorec.evaluation.systems.controls import RANDOM
from audiorec.evaluation.systems.oracles import ORACLE
from audiorec.evaluation.systems.registry import SYSTEMS, chosen_systems, find_system, own_systems
from audiorec.evaluation.systems.regressions import MEL_STATISTICS, TRUE_ATTRIBUTES

__all__ = [
    "MEL_STATISTICS",
    "ORACLE",
    "RANDOM",
    "SYSTEMS",
    "TRUE_ATTRIBUTES",
    "PredictedVectors",
    "Prediction",
    "Role",
    "ScoreMatrix",
    "System",
    "WorkDir",
    "chosen_systems",
    "find_system",
    "name_of",
    "own_systems",
]
