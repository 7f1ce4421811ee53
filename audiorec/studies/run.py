"""Run of a study by its name, with stored tables."""

from __future__ import annotations

from importlib import import_module

from audiorec.evaluation import RunOutput, keep_tables
from audiorec.exceptions import ParameterError
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.registry import STUDIES


def run_study(name: str, study: StudyInputs) -> RunOutput:
    """Run a study, and write its results to reports/.

    Raises
    ------
    ParameterError
        If there is no study of that name.
    """
    if name not in STUDIES:
        raise ParameterError(f"unknown study {name!r}; choose from {', '.join(STUDIES)}")
    report: RunOutput = import_module(f"audiorec.studies.{name.replace('-', '_')}").run(study)
    keep_tables(study.workspace, report, name=f"study-{name}")
    return report
