"""Options shared by several commands, the types of their values, and the group's options."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from audiorec.exceptions import ParameterError

if TYPE_CHECKING:
    from audiorec.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])


class PathType(click.Path):
    """A non-empty path: an empty one would silently mean the current folder."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Convert as click does; an empty path is a usage error."""
        if value == "":
            self.fail("'' is not a path; name one, such as . for the current folder", param, ctx)
        return super().convert(value, param, ctx)


class MemorySize(click.ParamType):
    """An amount of memory, as in `[index] memory`; any other value is a usage error."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the size as a recipe states it."""
        from audiorec.index import IndexConfig

        try:
            return IndexConfig(memory=value).memory
        except ParameterError:
            remedy = "give bytes, or a number with K, M, G or T, such as 500M or 2G"
            self.fail(f"{value!r} is not a size of at least 1M; {remedy}", param, ctx)


class GlobalOptions(NamedTuple):
    """The options of the group."""

    path: Path | None
    verbose: bool = False

    @property
    def workspace(self) -> Workspace:
        """The workspace named by ``--workspace``, or the user's default."""
        from audiorec.workspace import Workspace

        if self.path is not None:
            return Workspace(self.path)
        import platformdirs

        return Workspace(platformdirs.user_data_path("audiorec", appauthor=False))


def k_option(command: Command) -> Command:
    """Add ``-k``."""
    return click.option(
        "-k", type=click.IntRange(min=1), default=10, show_default=True, help="Number of tracks."
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(command)


def jobs_option(command: Command) -> Command:
    """Add ``--jobs``."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        help="Worker processes. [default: one per core]",
    )(command)


def recipe_option(command: Command) -> Command:
    """Add ``--recipe``."""
    return click.option(
        "--recipe",
        "recipe_file",
        type=PathType(path_type=Path),
        help="Settings: a TOML file, or a shipped recipe by name. [default: the one that was named "
        "last]",
    )(command)


class FiniteRange(click.FloatRange):
    """A number within bounds; NaN is refused."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class PopularityType(FiniteRange):
    """The weight of popularity: a number, or a word that stands for one."""

    WORDS = {"gems": -1.0, "even": 0.0, "hits": 1.0}  # noqa: RUF012 - read-only

    def __init__(self) -> None:
        super().__init__(-1, 1)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        word = value.strip().casefold() if isinstance(value, str) else value
        number = self.WORDS.get(word, value)
        try:
            float(number)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor {', '.join(self.WORDS)}", param, ctx)
        return super().convert(number, param, ctx)


def space_options(command: Command) -> Command:
    """Add ``--space`` and ``--popularity``."""
    command = click.option(
        "--popularity",
        type=PopularityType(),
        default=0.0,
        show_default=True,
        metavar="NUMBER|WORD",
        help="From -1, hidden gems, to 1, hits; or gems, even, hits.",
    )(command)
    return click.option(
        "--space",
        type=click.Choice(["blend", "content", "listening"]),
        default="blend",
        show_default=True,
        help="Compare tracks by sound (content), by who plays them (listening), or by both "
        "(blend).",
    )(command)


def versions_option(command: Command) -> Command:
    """Add ``--versions``."""
    return click.option(
        "--versions",
        is_flag=True,
        help="List every version of a song (live, remastered, ...), not only the nearest one.",
    )(command)


def confidence_option(command: Command) -> Command:
    """Add ``--min-confidence``."""
    return click.option(
        "--min-confidence",
        type=FiniteRange(0, 1),
        default=0.1,
        show_default=True,
        help="Ignore tags below this confidence; tags below 0.05 are not stored.",
    )(command)


def strict_option(command: Command) -> Command:
    """Add ``--strict``."""
    return click.option(
        "--strict", is_flag=True, help="Exit with 1 if any file could not be read."
    )(command)
