"""The systems: ways to place a track that nobody has played yet, and the controls beside them.

A system is a function of a prepared hold-out. It predicts, for every cold track, a vector in the
listeners' space, or for every listener and cold track a score; several times over where chance
has a part in it. To add one: a module with a `SYSTEMS` of its own, and its line in `SYSTEMS` of
``registry``.
"""

from audiorec.evaluation.systems.base import (
    PredictedVectors,
    Prediction,
    ScoreMatrix,
    System,
    WorkDir,
)
from audiorec.evaluation.systems.content import name_of
from audiorec.evaluation.systems.controls import RANDOM
from audiorec.evaluation.systems.oracles import ORACLE
from audiorec.evaluation.systems.registry import (
    SYSTEMS,
    chosen_systems,
    find_system,
    own_systems,
)
from audiorec.evaluation.systems.regressions import MEL_STATISTICS, TRUE_ATTRIBUTES

__all__ = [
    "MEL_STATISTICS",
    "ORACLE",
    "RANDOM",
    "SYSTEMS",
    "TRUE_ATTRIBUTES",
    "PredictedVectors",
    "Prediction",
    "ScoreMatrix",
    "System",
    "WorkDir",
    "chosen_systems",
    "find_system",
    "name_of",
    "own_systems",
]
