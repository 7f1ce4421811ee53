"""What the commands share: where the workspace is, and how answers and progress are shown."""

from __future__ import annotations

import codecs
import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeVar

import click

from audiorec.exceptions import ParameterError
from audiorec.printable_text import bounded, one_line

if TYPE_CHECKING:
    from audiorec.data.plays.writer import ImportReport
    from audiorec.pipeline import StageReport
    from audiorec.pipeline.recipe import Recipe
    from audiorec.workspace import Workspace

# Controls, turns of the writing direction and line ends that a terminal would obey: in JSON they
# can only stand within strings, where they may be escaped.
UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_REDRAWS = 0.2

Command = TypeVar("Command", bound=Callable[..., Any])


class PathType(click.Path):
    """A path that is named: an empty one would be the current folder, and nobody's meaning."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """As click does; an empty path is wrong usage."""
        if value == "":
            self.fail("'' is no path; name one, such as . for the current folder", param, ctx)
        return super().convert(value, param, ctx)


class MemorySize(click.ParamType):
    """An amount of memory, as `[index] memory` takes it: another value is wrong usage."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The size as a recipe states it."""
        from audiorec.index.config import IndexConfig

        try:
            return IndexConfig(memory=value).memory
        except ParameterError:
            remedy = "give bytes, or a number with K, M, G or T, such as 500M or 2G"
            self.fail(f"{value!r} is no size of at least 1M; {remedy}", param, ctx)


class GlobalOptions(NamedTuple):
    """The group's own options."""

    path: Path | None
    verbose: bool = False

    @property
    def workspace(self) -> Workspace:
        """The workspace that was named, or the user's own."""
        from audiorec.workspace import Workspace

        if self.path is not None:
            return Workspace(self.path)
        import platformdirs

        return Workspace(platformdirs.user_data_path("audiorec", appauthor=False))


@contextmanager
def importing() -> Iterator[None]:
    """For the imports of a command that answers at once: they are not searched for garbage.

    They make none, and all that they make stays; to search it takes a tenth of the time of a start.
    """
    first = gc.isenabled() and not gc.get_freeze_count()
    if first:
        gc.disable()
    try:
        yield
    finally:
        if first:
            gc.freeze()
            gc.enable()


def as_stored(workspace: Workspace, user: str) -> str:
    """A listener's name as it is stored: where that is a pseudonym, people still say the name."""
    salt = workspace.salt(make=False)
    if salt is None:
        return user
    from audiorec.data.plays.pseudonyms import stored_name

    return stored_name(user, workspace.plays, salt=salt)


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


def read_recipe(name: Path) -> Recipe:
    """Read a recipe: a file, or the shipped one of that name, from whatever directory."""
    from audiorec.pipeline import load_shipped, shipped_names
    from audiorec.pipeline.recipe import Recipe

    if not name.is_file() and name.parts[:-1] in ((), ("pipelines",)):
        stem = name.name.removesuffix(".toml")
        if stem in shipped_names() or not name.suffix:
            return load_shipped(stem)
    return Recipe.load(name, notify=lambda line: echo_line(f"audiorec: {line}", err=True))


def recipe_option(command: Command) -> Command:
    """Add ``--recipe``."""
    return click.option(
        "--recipe",
        "recipe_file",
        type=PathType(path_type=Path),
        help="Settings, in TOML: a file, or a shipped recipe by its name. [default: that of the "
        "last run that named one]",
    )(command)


class FiniteRange(click.FloatRange):
    """A number within bounds, which NaN is not."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


class PopularityType(FiniteRange):
    """The dial of popularity: a number, or a word for it."""

    WORDS = {"gems": -1.0, "even": 0.0, "hits": 1.0}  # noqa: RUF012 - read alone

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
        help="Place tracks by their sound, by who played them, or by both.",
    )(command)


def versions_option(command: Command) -> Command:
    """Add ``--versions``."""
    return click.option(
        "--versions",
        is_flag=True,
        help="List every version of a song (live, remastered, ...); else the nearest one comes.",
    )(command)


def confidence_option(command: Command) -> Command:
    """Add ``--min-confidence``."""
    return click.option(
        "--min-confidence",
        type=FiniteRange(0, 1),
        default=0.1,
        show_default=True,
        help="From which on a track has a word; words below 0.05 are not stored.",
    )(command)


def strict_option(command: Command) -> Command:
    """Add ``--strict``."""
    return click.option(
        "--strict", is_flag=True, help="Exit with 1 when any file could not be read."
    )(command)


def never_die_of_an_encoding(*streams: TextIO | None) -> None:
    """Let streams write out what their encoding cannot, such as a title or a byte of a name."""
    for stream in streams:
        # Whatever stands in for a stream may have no such thing; what is escaped stays text.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON that is whole on stdout: UTF-8 as it is, escaped to ASCII where it is not.

    Bytes of a file's name that are no text are escaped as Python carries them, ``\\udc80`` to
    ``\\udcff``, so that who reads them has the very name.
    """
    text = UNSEEN.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode("utf-8")
        as_it_is = codecs.lookup(encoding).name == "utf-8"
    except UnicodeEncodeError:
        as_it_is = False
    return text if as_it_is else json.dumps(value, indent=indent)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def echo_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    click.echo(json_text(value, indent=2))


def echo_line(text: str, *, err: bool = False) -> None:
    """Print one line, whatever names and titles are in it: their line breaks are written out.

    One for standard error is kept short, whatever was named on the command line.
    """
    line = one_line(text)
    click.echo(bounded(line) if err else line, err=err)


def echo_repeated_rows(file: Path, done: ImportReport, *, noun: str) -> None:
    """Say on standard error which rows of an import stood twice, or were there before."""
    if done.duplicates:
        echo_line(f"{file}: {done.duplicates} {noun} stand twice: counted once", err=True)
    if done.replaced:
        echo_line(f"{file}: {done.replaced} rows of an earlier import replaced", err=True)


def echo_stages(reports: Iterable[StageReport], *, as_json: bool) -> None:
    """Print what each stage did."""
    if as_json:
        echo_json([report._asdict() for report in reports])
        return
    for report in reports:
        click.echo(f"{report.stage:8} {report.summary}  ({report.seconds:.1f} s)")


def fail_if_strict(count: int, *, strict: bool) -> None:
    """Say that files failed, and exit with 1 where the user asked for it."""
    if not count:
        return
    files = "1 file" if count == 1 else f"{count} files"
    click.echo(f"{files} could not be read: see 'audiorec status --failures'", err=True)
    if strict:
        raise click.exceptions.Exit(1)


class ProgressLine:
    """Progress on stderr: one line redrawn on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._stage = ""
        self._began = 0.0
        self._offset = 0
        self._shown = 0.0
        self._open = False
        self._last: tuple[object, ...] = ()

    def __call__(self, stage: str, done: int, total: int | None, note: str = "") -> None:
        """See `audiorec.progress.Progress`."""
        now = time.monotonic()
        if stage != self._stage:
            self.close()
            self._stage, self._began, self._offset, self._shown = stage, now, done, 0.0
            self._last = ()
            if not self._terminal:
                self._shown = now
        pause = SECONDS_BETWEEN_REDRAWS if self._terminal else SECONDS_BETWEEN_LINES
        finished = total is not None and done >= total
        state = (stage, done, total, note)
        if (now - self._shown < pause and not finished) or state == self._last:
            return
        self._shown, self._last = now, state
        text = progress_text(stage, done, total, note, now - self._began, self._offset)
        if self._terminal:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
            self._open = True
        else:
            click.echo(text, err=True)

    def close(self) -> None:
        """End the line that is being redrawn."""
        if self._open:
            click.echo(err=True)
            self._open = False


def progress_text(
    stage: str, done: int, total: int | None, note: str, seconds: float, offset: int = 0
) -> str:
    """One line: what, how many, the rate, the time left.

    Parameters
    ----------
    stage, done, total, note
        See `audiorec.progress.Progress`.
    seconds : float
        Since the stage began, s.
    offset : int
        Units that were done before it began, by an earlier run.
    """
    rate = (done - offset) / seconds if seconds > 0 else 0.0
    parts = [f"{stage}"]
    parts.append(f"{done}" if total is None else f"{done}/{total}")
    if total:
        parts.append(f"{100 * done // total} %")
    if rate > 0:
        parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each")
        if total is not None and done < total:
            parts.append(f"{_clock((total - done) / rate)} left")
    if note:
        parts.append(note)
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


@contextmanager
def progress_shown() -> Iterator[ProgressLine]:
    """Progress on stderr for as long as the block lasts."""
    line = ProgressLine()
    try:
        yield line
    finally:
        line.close()
