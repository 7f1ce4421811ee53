"""Names of what a playlist can be asked for, read without loading what makes one."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["near", "continue", "path", "arc", "radio", "listener", "reorder", "mix"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WITHOUT_SEEDS: tuple[Kind, ...] = ("listener", "mix")
Measure = Literal["tempo", "energy"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Shape = Literal["rise", "fall", "arch"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
Format = Literal["m3u8", "xspf", "jspf", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
DEFAULT_LENGTH = 25
