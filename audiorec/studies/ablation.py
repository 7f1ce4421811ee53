"""Ablation: the recipe's model compared with variants of changed settings.

The best of many settings is corrected for multiple comparisons: the intervals of all differences
hold simultaneously (max-t; see `audiorec.metrics.simultaneous`).
"""

from __future__ import annotations

import tomllib
from typing import Any

from audiorec.evaluation import Report, evaluate, read_catalogue, workspace_inputs, workspace_plays
from audiorec.evaluation.systems import MEL_STATISTICS, System, name_of
from audiorec.evaluation.systems.content import Change, changed, content_system
from audiorec.exceptions import ParameterError
from audiorec.models import ModelConfig, TrainConfig
from audiorec.studies.inputs import StudyInputs

FROM_HOLD_OUT = ("seed",)  # every hold-out has its own seed


def run(study: StudyInputs) -> Report:
    """Score the recipe's model and its variants.

    Raises
    ------
    ParameterError
        If no settings are given, they are unknown, or their values are invalid.
    """
    if not study.vary:
        raise ParameterError("the ablation needs settings to change; give --vary KEY=VALUE")
    own = name_of(study.recipe)
    variants = {f"{own}, {settings}": variant(study, settings) for settings in study.vary}
    store, tracks = read_catalogue(study.workspace, study.recipe)
    return evaluate(
        store,
        workspace_plays(study.workspace),
        tracks,
        recipe=study.recipe,
        systems=(MEL_STATISTICS, own, *study.systems),
        more_systems=variants,
        truth=study.truth,
        inputs_of=workspace_inputs(study.workspace, study.recipe, progress=study.progress),
        work_directory=study.work_directory,
        progress=study.progress,
    )


def variant(study: StudyInputs, settings: str) -> System:
    """Make the system of the recipe with some settings changed."""
    change = parse(settings)
    changed(study.recipe, change)  # raises if they are incompatible
    return content_system(change)


def parse(text: str) -> Change:
    """Parse settings such as ``channels=32, train.mixup = 0.3``: TOML values, unquoted words.

    Raises
    ------
    ParameterError
        If the text is not a list of settings, or a key is unknown or repeated.
    """
    settings: dict[str, Any] = {}
    for part in text.split(","):
        setting, equals, value = (piece.strip() for piece in part.partition("="))
        if not (setting and equals and value):
            raise ParameterError(f"{part.strip()!r} must be KEY=VALUE, such as channels=32")
        table, _, key = setting.rpartition(".")
        home = _table_of(key, setting=setting)
        if table not in ("", home):
            raise ParameterError(
                f"{setting}={value} must be {home}.{key}={value}, or without table"
            )
        if key in settings:
            raise ParameterError(f"{key} is given twice in {text!r}; give it once")
        settings[key] = _value(value)
    return settings


def _table_of(key: str, *, setting: str) -> str:
    """Return the recipe's table that contains a key."""
    if key in FROM_HOLD_OUT:
        raise ParameterError(f"{setting} is the hold-out's own; give evaluate --seed")
    tables = {"model": ModelConfig.model_fields, "train": TrainConfig.model_fields}
    for table, fields in tables.items():
        if key in fields:
            return table
    known = ", ".join(k for fields in tables.values() for k in fields if k not in FROM_HOLD_OUT)
    raise ParameterError(f"unknown key {setting} of the model; choose from {known}")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
