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
    from audiorec.data.plays import ImportReport
    from audiorec.pipeline import StageReport

# Control characters, bidirectional overrides and line ends that a terminal would obey: in JSON
# they occur only within strings, where they may be escaped.
UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def escape_unencodable_output(*streams: TextIO | None) -> None:
    """Let streams escape what their encoding lacks, such as a title or a byte of a file name."""
    for stream in streams:
        # A replacement of a stream may have no such method; escaped output is still text.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Format a value as JSON that stdout can encode: as it is in UTF-8, else escaped to ASCII.

    Undecodable bytes of a file name are escaped as Python does, ``\\udc80`` to ``\\udcff``, so
    that a reader can restore the exact name.
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
    """Print one line; line breaks in names and titles are escaped.

    A line for standard error is kept short, however long the arguments were.
    """
    line = one_line(text)
    click.echo(bounded(line) if err else line, err=err)


def echo_notice(text: str) -> None:
    """Print one notice on standard error."""
    echo_line(f"audiorec: {text}", err=True)


def echo_repeated_rows(file: Path, done: ImportReport, *, noun: str) -> None:
    """Report on standard error the rows of an import that were duplicates or known before."""
    if done.duplicates:
        echo_line(f"{file}: {done.duplicates} repeated {noun} counted once", err=True)
    if done.replaced:
        echo_line(f"{file}: {done.replaced} rows of an earlier import replaced", err=True)


def echo_stages(reports: Iterable[StageReport], *, as_json: bool) -> None:
    """Print the report of each stage."""
    if as_json:
        echo_json([report._asdict() for report in reports])
        return
    for report in reports:
        click.echo(f"{report.stage:8} {report.summary}  ({report.seconds:.1f} s)")


def fail_if_strict(count: int, *, strict: bool) -> None:
    """Report that files failed, and exit with 1 if `strict`."""
    if not count:
        return
    files = "1 file" if count == 1 else f"{count} files"
    click.echo(f"{files} could not be read: see 'audiorec status --failures'", err=True)
    if strict:
        raise click.exceptions.Exit(1)
