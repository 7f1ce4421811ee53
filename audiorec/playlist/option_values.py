"""Values of playlist options, such as kinds, without heavy imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args


class PlaylistKind(NamedTuple):
    """A kind's label on the page, and whether it needs seed tracks."""

    label: str
    needs_seeds: bool = True


KINDS = {
    "near": PlaylistKind("near the seeds"),
    "continue": PlaylistKind("continuation of a list"),
    "path": PlaylistKind("path from one to the other"),
    "arc": PlaylistKind("arc of tempo or energy"),
    "radio": PlaylistKind("radio, that drifts on"),
    "listener": PlaylistKind("for a listener", needs_seeds=False),
    "reorder": PlaylistKind("the seeds in a better order"),
    "mix": PlaylistKind("mix for several listeners", needs_seeds=False),
}
"""The kinds by name, which is that of its module in `audiorec.playlist.kinds`."""
WITHOUT_SEEDS = tuple(name for name, kind in KINDS.items() if not kind.needs_seeds)
if TYPE_CHECKING:
    Kind = str
else:
    Kind = Literal[tuple(KINDS)]
Measure = Literal["tempo", "energy"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Shape = Literal["rise", "fall", "arch"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
Format = Literal["m3u8", "xspf", "jspf", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
DEFAULT_LENGTH = 25
