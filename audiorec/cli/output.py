"""Output of the commands: JSON, lines of text, and progress on stderr."""

from __future__ import annotations

import codecs
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from audiorec.printable_text import bounded, one_line

if TYPE_CHECKING:
    from audiorec.data.plays.writer import ImportReport
    from audiorec.pipeline import StageReport

# Controls, turns of the writing direction and line ends that a terminal would obey: in JSON they
# can only stand within strings, where they may be escaped.
UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_REDRAWS = 0.2


def escape_unencodable_output(*streams: TextIO | None) -> None:
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
