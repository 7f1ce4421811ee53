"""The recipe's network under other settings: from a recipe to the one that a variant follows.

A variant's name tells what is changed, as in ``cnn, hidden = 64, mixup = 0``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import Any, get_args

from audiorec.config import Section
from audiorec.exceptions import ParameterError
from audiorec.models.config import ModelConfig, TrainConfig, TrainedName
from audiorec.pipeline.recipe import Recipe

SECTIONS: dict[str, type[Section]] = {"model": ModelConfig, "train": TrainConfig}
FROM_HOLD_OUT = ("seed",)  # every hold-out has a seed of its own

# Where a network of the recipe's size would take hours on a CPU.
NETWORK_SIZES: dict[str, dict[str, int]] = {"shortchunk": {"channels": 16}}

Change = Callable[[Recipe], Recipe]


def varied(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """The recipe with some settings of [model] and [train] changed.

    Parameters
    ----------
    recipe : Recipe
    settings : mapping of str to value
        By key, without the table.

    Raises
    ------
    ParameterError
        If a key is unknown, or a value impossible.
    """
    tables = {name: getattr(recipe, name).model_dump() for name in SECTIONS}
    for key, value in settings.items():
        tables[_table_of(key)][key] = value
    return Recipe(**(recipe.model_dump() | tables))


def parse(text: str) -> dict[str, Any]:
    """Settings from words such as ``hidden=64, train.mixup = 0.3``: values as in TOML, words bare.

    Parameters
    ----------
    text : str

    Raises
    ------
    ParameterError
        If the words are no settings, or a key is unknown or stands there twice.
    """
    settings: dict[str, Any] = {}
    for part in text.split(","):
        given, equals, value = (piece.strip() for piece in part.partition("="))
        if not (given and equals and value):
            raise ParameterError(f"{part.strip()!r} must be KEY=VALUE, such as hidden=64")
        table, _, key = given.rpartition(".")
        home = _table_of(key, given=given)
        if table not in ("", home):
            raise ParameterError(f"{given}={value} must be {home}.{key}={value}, or without table")
        if key in settings:
            raise ParameterError(f"{key} is given twice in {text!r}; give it once")
        settings[key] = _value(value)
    return settings


def named(settings: Mapping[str, Any]) -> str:
    """``"hidden = 64, mixup = 0"``: what `parse` reads back."""
    return ", ".join(f"{key} = {_said(value)}" for key, value in settings.items())


def with_network(encoder: str) -> Change:
    """The recipe's own encoder stays as the recipe has it; others are of a size for a CPU."""

    def change(recipe: Recipe) -> Recipe:
        if recipe.model.encoder == encoder:
            return recipe
        return varied(recipe, {"encoder": encoder, **NETWORK_SIZES.get(encoder, {})})

    return change


def with_settings(settings: Mapping[str, Any]) -> Change:
    """`varied`, of whatever recipe is to come."""
    return lambda recipe: varied(recipe, settings)


EACH_LOSS: dict[str, Change] = {
    f"{loss} loss": with_settings({"loss": loss})
    for loss in get_args(TrainConfig.model_fields["loss"].annotation)
}
EACH_NETWORK: dict[str, Change] = {
    f"{network} network": with_network(network) for network in get_args(TrainedName)
}


def _table_of(key: str, *, given: str | None = None) -> str:
    """The table that a key stands in."""
    if key in FROM_HOLD_OUT:
        raise ParameterError(f"{given or key} is the hold-out's own; give evaluate --seed")
    for table, section in SECTIONS.items():
        if key in section.model_fields:
            return table
    known = ", ".join(
        name
        for section in SECTIONS.values()
        for name in section.model_fields
        if name not in FROM_HOLD_OUT
    )
    raise ParameterError(f"unknown key {given or key} of the network; choose from {known}")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
