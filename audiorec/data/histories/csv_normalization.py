"""Conversion of tables of plays in various CSV dialects to the one form that is read.

Other separators (given by the header, or by Excel's line ``sep=;`` before it), spaces and capitals
in the header, the Western Windows code page, UTF-16 with its byte order mark, logs without counts,
and dates that begin with the day or the month where the file is unambiguous. Line numbers are
preserved for error messages.
"""

from __future__ import annotations

import codecs
import csv
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TextIO

from audiorec.exceptions import DataError

SEPARATORS = (",", ";", "\t", "|")
NEEDED = ("user_id", "track_id")
KNOWN = frozenset((*NEEDED, "plays", "timestamp", "skipped", "rating", "session_id"))
# Further names of columns, with underscores for spaces and hyphens.
ALIASES = {
    "user": "user_id", "userid": "user_id", "listener": "user_id", "track": "track_id",
    "trackid": "track_id", "item_id": "track_id", "song_id": "track_id", "play_count": "plays",
    "playcount": "plays", "count": "plays", "played_at": "timestamp", "listened_at": "timestamp",
    "date": "timestamp", "time": "timestamp", "datetime": "timestamp", "sessionid": "session_id",
}  # fmt: skip
# Characters of bytes above ASCII in cp1252 in texts of Western Europe. Other code pages use the
# other bytes too, and several such letters in a row.
WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýŒœŠšŽž€‚„…‘’“”•–—´«»°·¡¿\xa0"
)
MOST_IN_A_ROW = 2
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)  # as Excel writes before the header
DATE = re.compile(
    r"\s*(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T ,]+(\d{1,2}:\d{2}(?::\d{2})?)(.*))?$"
)
QUOTE_REMEDY = "close the double quote, or double one inside a quoted id"


class CsvDialect(NamedTuple):
    """Encoding, separator and columns of a table.

    Attributes
    ----------
    encoding : str
    separator : str
    columns : list of str
        Known names of columns, and the others unchanged.
    no_plays : bool
        Whether each row is a play.
    skip : int
        Lines before the header.
    """

    encoding: str
    separator: str
    columns: list[str]
    no_plays: bool
    skip: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether the table is in the plain form already."""
        return (self.encoding, self.separator, *self[3:]) == ("utf-8", ",", False, 0)


def plain_form(file: Path, text: Path, scratch: Path, *, encoding: str) -> Path:
    """Convert a table to the plain form; returns the file itself if it has that form.

    Parameters
    ----------
    file, text : Path
        Path for error messages, and the file to read.
    scratch : Path
        A folder for the converted table.
    encoding : str
        See `encoding_of`.

    Raises
    ------
    DataError
        If its dates are ambiguous, or a double quote is out of place; the message has the line.
    """
    with text.open(encoding=_without_byte_order_mark(encoding), newline="") as stream:
        header = stream.readline().rstrip("\r\n")
        separators: Sequence[str] = SEPARATORS
        if named := SEPARATOR_LINE.match(header):
            separators, header = named[1], stream.readline().rstrip("\r\n")
    with fields_of_any_length():
        form = _dialect_of(header, encoding, separators)
        if form is None:  # left to the reader of the table, which raises the error
            form = CsvDialect(encoding, ",", [], False)
            return text if encoding == "utf-8" else _in_plain_csv(file, text, scratch, form)
        form = form._replace(skip=int(named is not None))
        day_first = _day_first(file, text, form)
        same = next(csv.reader([header]), []) == form.columns
        if form.is_plain and same and day_first is None:
            return text
        return _in_plain_csv(file, text, scratch, form, day_first=day_first)


@contextmanager
def fields_of_any_length() -> Iterator[None]:
    """Let `csv` read fields of 131,072 characters and more, as polars does."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _without_byte_order_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _dialect_of(header: str, encoding: str, separators: Sequence[str]) -> CsvDialect | None:
    """Dialect of a table with this header; None if required columns are missing."""
    best: CsvDialect | None = None
    for separator in separators:
        names = [_column(name) for name in next(csv.reader([header], delimiter=separator), [])]
        twice = any(names.count(name) > 1 for name in KNOWN)
        if set(NEEDED) <= set(names) and not twice:
            form = CsvDialect(encoding, separator, names, "plays" not in names)
            best = form if best is None else best
    return best


def _column(name: str) -> str:
    bare = re.sub(r"[\s-]+", "_", name.strip().casefold())
    known = ALIASES.get(bare, bare)
    return known if known in KNOWN else name


def encoding_of(text: Path) -> str:
    """UTF-16 by its byte order mark, cp1252 where that is certain, else UTF-8, valid or not.

    cp1252 is certain if no line is UTF-8 beyond ASCII, and all look like Western texts.
    """
    with text.open("rb") as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        stream.seek(0)
        western = False
        for line in stream:
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                if error.reason == "unexpected end of data" or not _is_western(line):
                    return "utf-8"
                western = True
            else:
                return "utf-8"
    return "cp1252" if western else "utf-8"


def _is_western(line: bytes) -> bool:
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return False
    runs = re.findall(r"[^\x00-\x7f]+", text)
    return all(len(run) <= MOST_IN_A_ROW and WESTERN.issuperset(run) for run in runs)


def _rows(text: Path, form: CsvDialect) -> Iterator[tuple[int, list[str]]]:
    """Rows of a table, its header first, each with the number of its last line; blank ones are [].

    A line before the header comes after it, as a blank one, so that line numbers are preserved.
    """
    with text.open(encoding=_without_byte_order_mark(form.encoding), newline="") as stream:
        for _ in range(form.skip):
            stream.readline()
        reader = csv.reader(stream, delimiter=form.separator, strict=True)
        try:
            for number, row in enumerate(reader):
                yield reader.line_num + form.skip, row
                if not number:
                    yield from ((line + 1, []) for line in range(form.skip))
        except csv.Error as error:
            raise csv.Error(f"line {reader.line_num + form.skip}: {error}") from None


def _day_first(file: Path, text: Path, form: CsvDialect) -> bool | None:
    """Whether dates begin with the day; None if they are of another form.

    The first unambiguous one decides for all of them, if none contradicts it.
    """
    if "timestamp" not in form.columns:
        return None
    at = form.columns.index("timestamp")
    seen: tuple[int, str] | None = None
    counts: dict[bool, int] = {}
    with suppress(csv.Error):
        for line, row in _rows(text, form):
            value = row[at].strip() if len(row) > at and line > 1 + form.skip else ""
            date = DATE.match(value)
            if date is None:
                if value and seen is None:
                    return None
                continue
            seen = seen or (line, value)
            if (meant := _begins_with_day(date)) is not None:
                counts.setdefault(meant, line)
    if seen is None:
        return None
    if len(counts) == 1:
        return next(iter(counts))
    line, value = seen
    what = f"timestamp={value!r} may begin with the day or the month"
    if counts:
        other, line = sorted(counts.values())
        what = f"dates begin with the day in some lines, with the month in others (line {other})"
    raise DataError(f"plays file {file}, line {line}: {what}; write dates as 2024-05-31")


def _begins_with_day(date: re.Match[str]) -> bool | None:
    """Whether a date begins with its day; None if it is ambiguous."""
    day, month = int(date[1]) > 12, int(date[3]) > 12
    if day != month:
        return day
    return True if date[2] == "." else None  # with dots the day comes first everywhere


def _in_plain_csv(
    file: Path, text: Path, scratch: Path, form: CsvDialect, *, day_first: bool | None = None
) -> Path:
    plain = scratch / "plain.csv"
    with plain.open("w", encoding="utf-8", newline="") as stream:
        if not form.columns:
            with text.open(encoding=form.encoding, newline="") as source:
                stream.writelines(source)
            return plain
        try:
            _write(stream, _rows(text, form), form, day_first=day_first)
        except csv.Error as error:
            raise DataError(f"plays file {file}, {error}; {QUOTE_REMEDY}") from None
    return plain


def _write(
    stream: TextIO,
    rows: Iterator[tuple[int, list[str]]],
    form: CsvDialect,
    *,
    day_first: bool | None,
) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    at = form.columns.index("timestamp") if "timestamp" in form.columns else -1
    for number, (_, row) in enumerate(rows):
        out = row if number else list(form.columns)
        if day_first is not None and number and len(out) > at:
            out = [*out[:at], _iso(out[at], day_first=day_first), *out[at + 1 :]]
        if form.no_plays and out:
            out = [*out, *[""] * (len(form.columns) - len(out)), "1" if number else "plays"]
        if out:
            writer.writerow(out)
        else:
            stream.write("\n")


def _iso(value: str, *, day_first: bool) -> str:
    date = DATE.match(value)
    if date is None:
        return value
    day, month = (date[1], date[3]) if day_first else (date[3], date[1])
    clock = f" {date[5].zfill(5 if date[5].count(':') == 1 else 8)}{date[6]}" if date[5] else ""
    return f"{date[4]}-{int(month):02d}-{int(day):02d}{clock}"
