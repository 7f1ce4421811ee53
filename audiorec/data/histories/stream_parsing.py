"""Streaming parsers of text: lines of any encoding, CSV, incremental JSON, XML.

Errors name the file and, where it has one, the line.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator, Sequence
from typing import IO, Any
from xml.etree import ElementTree

from audiorec.data.histories.export_files import ExportFile
from audiorec.data.histories.listen import Tally
from audiorec.exceptions import data_error

BLOCK = 1 << 16
MAX_VALUE = 64 << 20
"""Characters of one line, cell or JSON value."""
MAX_CELL_LINES = 100
"""Lines in one cell of a table: with more, a quote was never closed."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARK = re.compile(r"[^ \t\r\n]")


def lines(member: ExportFile, tally: Tally) -> Iterator[str]:
    """Lines of a text, without their ends; invalid UTF-8 is read as Windows-1252, and counted.

    Raises
    ------
    DataError
        If it is not text, or a line is longer than `MAX_VALUE`.
    """
    encoding = next((name for bom, name in _BOMS if member.head().startswith(bom)), None)
    with member.open() as stream:
        if encoding == "utf-16":
            reader = codecs.getreader("utf-16")(stream, "replace")
            yield from (line.rstrip("\r\n") for line in reader)
            return
        number = 0
        while line := stream.readline(MAX_VALUE):
            number += 1
            if number == 1 and encoding:
                line = line.removeprefix(codecs.BOM_UTF8)
            if len(line) == MAX_VALUE:
                raise line_error(member, number, "is longer than 64 MB", "export it again")
            if b"\0" in line:
                raise line_error(member, number, "holds a zero byte: no text", "export it again")
            try:
                yield line.decode().rstrip("\r\n")
            except UnicodeDecodeError:
                tally["lines that are not UTF-8, read as Windows-1252"] += 1
                yield line.decode("cp1252", "replace").rstrip("\r\n")


def csv_rows(member: ExportFile, tally: Tally) -> Iterator[tuple[int, list[str]]]:
    """Rows of a table split at commas, semicolons or tabs, each with the number of its last line.

    Raises
    ------
    DataError
        If it is not text, or a quote is never closed.
    """
    head = member.head().decode("utf-8", "replace").split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    limit = csv.field_size_limit(MAX_VALUE)
    reader = csv.reader((f"{line}\n" for line in lines(member, tally)), delimiter=mark)
    last = 0
    try:
        for row in reader:
            if reader.line_num - last > MAX_CELL_LINES:
                raise line_error(
                    member, last + 1, "opens a quote that nothing closes", "export it again"
                )
            last = reader.line_num
            if row:
                yield last, row
    except csv.Error as error:
        raise line_error(member, last + 1, f"is no CSV ({error})", "export it again") from None
    finally:
        csv.field_size_limit(limit)


def csv_dicts(
    member: ExportFile, tally: Tally, *, required_columns: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Rows of a table with a header line, by the names of the columns.

    Rows whose length differs from the header's are left out, and counted.

    Raises
    ------
    DataError
        If a column of `required_columns` is missing, and see `csv_rows`.
    """
    rows = csv_rows(member, tally)
    _, names = next(rows, (0, []))
    names = [name.strip() for name in names]
    if missing := [name for name in required_columns if name not in names]:
        raise data_error(
            f"{member.where}, line 1:", f"has no column {missing[0]!r}", "export it again"
        )
    for _, row in rows:
        if len(row) == len(names):
            yield dict(zip(names, row, strict=True))
        else:
            tally["rows of another length than the first line"] += 1


def json_lines(member: ExportFile, tally: Tally) -> Iterator[dict[str, Any]]:
    """Objects of a text with one on each line; other lines are counted."""
    for line in lines(member, tally):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            yield value
        else:
            tally["lines that are no JSON object"] += 1


def json_array(member: ExportFile, tally: Tally) -> Iterator[dict[str, Any]]:
    """Objects of a JSON array, read one after the other; other items are counted.

    Raises
    ------
    DataError
        If it is not a JSON array, or is truncated.
    """
    with member.open() as stream:
        text = _Text(member, stream)
        if text.skip_space() != "[":
            raise text.error("is no JSON list")
        text.advance(1)
        first = True
        while True:
            mark = text.skip_space()
            if mark == "]":
                return
            if not first:
                if mark != ",":
                    raise text.error("breaks off" if not mark else "lacks a comma")
                text.advance(1)
                mark = text.skip_space()
            if not mark:
                raise text.error("breaks off")
            value = text.value()
            first = False
            if isinstance(value, dict):
                yield value
            else:
                tally["list items that are no JSON object"] += 1


class _Text:
    """Buffered text of a stream, read as needed."""

    def __init__(self, member: ExportFile, stream: IO[bytes]) -> None:
        self._member, self._stream = member, stream
        encoding = next((name for bom, name in _BOMS if member.head().startswith(bom)), "utf-8")
        self._decode = codecs.getincrementaldecoder(encoding)(errors="replace").decode
        self._text, self._at, self._line = "", 0, 1
        self._ended = False
        self._scan = json.JSONDecoder().raw_decode

    def error(self, what: str) -> Exception:
        return line_error(self._member, self._line, what, "export it again")

    def advance(self, n: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + n)
        self._at += n

    def skip_space(self) -> str:
        """Advance to the next character that is not a space, and return it; empty at the end."""
        while True:
            match = _MARK.search(self._text, self._at)
            self.advance((match.start() if match else len(self._text)) - self._at)
            if match:
                return match[0]
            if not self._read_more(BLOCK):
                return ""

    def value(self) -> Any:
        """The JSON value at the current position."""
        size = BLOCK
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except RecursionError:
                raise self.error("is nested too deeply") from None
            except ValueError as error:
                if self._read_more(size):
                    size *= 2
                    if size > MAX_VALUE * 2:
                        raise self.error("has a value of more than 64 MB") from None
                    continue
                reason = getattr(error, "msg", str(error))
                raise self.error(f"is no JSON ({reason}), or breaks off") from None
            # A number at the end of the buffer may continue.
            if end == len(self._text) and self._read_more(size):
                continue
            self.advance(end - self._at)
            return value

    def _read_more(self, size: int) -> bool:
        if self._ended:
            return False
        data = self._stream.read(size)
        self._ended = not data
        added = self._decode(data, self._ended)
        self._text = self._text[self._at :] + added
        self._at = 0
        return bool(data)


def xml_elements(member: ExportFile, *names: str) -> Iterator[ElementTree.Element]:
    """Elements of these names, in the order of their ends.

    Elements are dropped after they were yielded, so that a document of any size can be read.
    Namespaces of names are removed.

    Raises
    ------
    DataError
        If it is not XML, or is truncated.
    """
    try:
        with member.open() as stream:
            stack: list[ElementTree.Element] = []
            for event, element in ElementTree.iterparse(stream, events=("start", "end")):
                if event == "start":
                    stack.append(element)
                    continue
                stack.pop()
                element.tag = element.tag.rpartition("}")[2]
                if element.tag in names:
                    yield element
                    element.clear()
                    if stack:
                        stack[-1].remove(element)
    except ElementTree.ParseError as error:
        line = error.position[0]
        raise line_error(member, line, f"is no XML ({error})", "export it again") from None
    except (ValueError, LookupError) as error:  # an unknown encoding
        raise data_error(member.where, f"is no XML ({error})", "export it again") from None


def line_error(member: ExportFile, line: int, what: str, remedy: str) -> Exception:
    """Make an error of one line: the file, the line, the problem, and the remedy."""
    return data_error(f"{member.where}, line {line}:", what, remedy)
