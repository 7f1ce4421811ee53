"""Output of the commands: JSON and lines of text."""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterable
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


def echo_notice(text: str) -> None:
    """Print one line of the program's own on standard error."""
    echo_line(f"audiorec: {text}", err=True)


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
