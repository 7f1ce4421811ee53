"""Base class of the settings: frozen, validated, with errors of one line.

Settings are in the ``config.py`` of the lowest package that reads them;
`audiorec.pipeline.recipe` gathers them.
An unknown key is an error: a misspelt setting never passes for the default.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from audiorec.exceptions import ParameterError

MAX_SEED = 2**31 - 1
Seed = Field(default=0, ge=0, le=MAX_SEED)


class Section(BaseModel):
    """Base class of every stage's settings.

    Attributes
    ----------
    former : frozenset of str
        Settings of earlier versions, found in their artifacts; they are ignored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    former: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _without_former(cls, settings: Any) -> Any:
        if isinstance(settings, dict):
            return {name: value for name, value in settings.items() if name not in cls.former}
        return settings

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ParameterError(_one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    """Describe the first error, with its key, its value and valid ones."""
    first = error.errors()[0]
    kind, value = first["type"], first["input"]
    key = ".".join(part for part in first["loc"] if isinstance(part, str))
    if kind == "extra_forbidden":
        return f"unknown key {key}; remove it or correct its spelling"
    if kind == "value_error":
        reason = str(first["ctx"]["error"])
        section, _, name = key.rpartition(".")
        section = section if reason.startswith(f"{name}=") else key
        return f"[{section}] {reason}" if section else reason
    if kind in ("model_type", "model_attributes_type"):
        return f"{key}={value!r} must be a table: put settings under [{key}]"
    # After a comma pydantic adds how it tried to parse the value, but for choices.
    allowed = first["msg"] if kind == "literal_error" else first["msg"].partition(",")[0]
    allowed = allowed.replace("Input should be", "must be", 1).replace("a valid tuple", "a list")
    inside = any(isinstance(part, int) for part in first["loc"])
    return f"{value!r} in {key} {allowed}" if inside else f"{key}={value!r} {allowed}"
