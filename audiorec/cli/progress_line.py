"""Progress of a command on stderr: items done, rate, time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_REDRAWS = 0.2


class ProgressLine:
    """Progress on stderr: one redrawn line on a terminal, occasional lines elsewhere."""

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
    """Format one line of progress: stage, items done, rate, time left.

    Parameters
    ----------
    stage, done, total, note
        See `audiorec.progress.Progress`.
    seconds : float
        Time since the stage began, s.
    offset : int
        Items done by an earlier run, before the stage began.
    """
    rate = (done - offset) / seconds if seconds > 0 else 0.0
    parts = [f"{stage}"]
    parts.append(f"{done}" if total is None else f"{done}/{total}")
    if total:
        parts.append(f"{100 * done // total} %")
    if rate > 0:
        parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each")
        if total is not None and done < total:
            parts.append(f"{_time_left((total - done) / rate)} left")
    if note:
        parts.append(note)
    return "  ".join(parts)


def _time_left(seconds: float) -> str:
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


@contextmanager
def progress_shown() -> Iterator[ProgressLine]:
    """Show progress on stderr within the block."""
    line = ProgressLine()
    try:
        yield line
    finally:
        line.close()
