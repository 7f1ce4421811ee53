"""Studies: evaluations of single questions, and runs on public data sets.

The evaluation does not depend on them. ``audiorec evaluate --study NAME`` runs one of `STUDIES`.
`copies`, `hetrec`, `interval_coverage`, `msd`, `real_music` and `yoochoose` are separate commands,
run by ``python -m audiorec.studies.NAME``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.studies.registry import STUDIES, Study

if TYPE_CHECKING:
    from audiorec.studies.inputs import StudyInputs
    from audiorec.studies.run import run_study
    from audiorec.studies.tables import StudyReport, StudyTable

__all__ = [
    "STUDIES",
    "Study",
    "StudyInputs",
    "StudyReport",
    "StudyTable",
    "run_study",
]

# They load the evaluation, which the names of the studies need not.
__getattr__ = lazy_attributes(
    __name__,
    {
        "inputs": ("StudyInputs",),
        "run": ("run_study",),
        "tables": ("StudyReport", "StudyTable"),
    },
)
