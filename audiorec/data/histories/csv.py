"""Listening as comma-separated text: ``user_id,track_id,plays`` and optionally more.

The file is plain or gzipped, with a header; the order of the columns is free and other columns are
ignored. Counts may be fractional; without ``plays`` each row is one. Other separators, spellings of
the header, code pages and dates are handled by `audiorec.data.histories.csv_normalization`.
Optional:

- ``timestamp``: seconds since 1970 (or milliseconds or microseconds, by their size), or ISO
  8601; a time without a zone is taken as UTC;
- ``skipped``: number of the plays that were skipped, or true and false;
- ``rating``: -1 (dislike) to 1 (like), or 1 to 5 around a neutral value that is given;
- ``session_id``: shared by the plays of one session; empty where unknown.

The text is parsed and checked as columns, in batches; only after an error is it read again line
by line, to locate it.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import math
import shutil
import zlib
from pathlib import Path

import polars as pl

from audiorec.data.histories.csv_normalization import (
    QUOTE_REMEDY,
    encoding_of,
    fields_of_any_length,
    plain_form,
)
from audiorec.data.histories.epoch_seconds import epoch_seconds
from audiorec.data.histories.export_files import ExportFile
from audiorec.data.magic_bytes import kind_of
from audiorec.data.parquet_sink import sink
from audiorec.exceptions import DataError, ParameterError, first_line, system_reason
from audiorec.id_map import LONGEST as LONGEST_ID
from audiorec.id_map import id_problem

TITLE = "audiorec's own table of plays"
EXPORT = "write a CSV with the columns user_id,track_id,plays, and optionally more"
REQUIRED = ("user_id", "track_id", "plays")
SCHEMA = (*REQUIRED, "timestamp")
EXTRA = ("skipped", "rating", "session_id")
WORST, BEST = 1.0, 5.0
"""Ends of the scale of ratings around a neutral one."""
HEADER = "user_id,track_id,plays"
MAX_PLAYS = 1e9
"""One play a second for 31 years: more is a wrong column, not a count."""
LONGEST = 80
"""Characters of a value that an error message repeats."""
BLOCK = 1 << 22
"""Bytes read at a time."""


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format, plain or gzipped, by a column of its first line."""
    head = member.head()
    if head.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            head = unpacker.decompress(head, BLOCK)
        except zlib.error:
            return member.base.lower().endswith((".csv.gz", ".tsv.gz"))
    first = head.split(b"\n", 1)[0]
    if first.lstrip(codecs.BOM_UTF8).lower().startswith((b"sep=", b'"sep=')):
        first = head.split(b"\n", 2)[1] if head.count(b"\n") else b""
    if b"\0" in first or first.lstrip(codecs.BOM_UTF8).startswith((b"{", b"[", b"<")):
        return False
    return any(name.encode() in first for name in ("user_id", "track_id"))


def read_plays(
    file: Path, *, scratch: Path, neutral: float | None = None
) -> tuple[pl.LazyFrame, int]:
    """Read and check a file of plays.

    Parameters
    ----------
    file : Path
        The file; gzip is detected by its first bytes, not by the name.
    scratch : Path
        Existing directory for unpacked and parsed data; it must exist as long as the frame.
    neutral : float, optional
        The rating between 1 and 5 that is neither like nor dislike. Without it ratings are
        from -1 to 1.

    Returns
    -------
    plays : pl.LazyFrame
        Columns user_id, track_id, plays and timestamp (null where the file has none), and those
        of `EXTRA` that the file has, in the order of the file. Ratings are scaled to -1 to 1.
    skipped : int
        Rows without a play, a skip, a like or a dislike.

    Raises
    ------
    DataError
        If the file is missing, not text, not UTF-8, lacks a column, holds no rows, or has an
        empty id, an impossible count or rating or an unreadable time; the message has the line.
    ParameterError
        If `neutral` does not lie between 1 and 5.
    """
    if neutral is not None and not WORST < neutral < BEST:
        raise ParameterError(f"neutral={neutral:g} must lie between {WORST:g} and {BEST:g}")
    text = _plain_text(file, scratch)
    encoding = encoding_of(text)
    if encoding == "utf-8":
        _check_encoding(file, text)
    text = plain_form(file, text, scratch, encoding=encoding)
    if encoding != "utf-8":
        _check_encoding(file, text)
    columns = _columns(file, text)
    if neutral is not None and "rating" not in columns:
        raise DataError(
            f"plays file {file} has no column 'rating' for neutral={neutral:g}; leave --neutral out"
        )
    parsed = scratch / "parsed.parquet"
    try:
        sink(_parse(text, columns, neutral), parsed)
    except pl.exceptions.PolarsError as error:
        raise _malformed(file, text, error) from None
    rows = pl.scan_parquet(parsed)
    extra = [name for name in EXTRA if name in columns]
    skipped = _check_rows(file, text, rows, (*SCHEMA, *extra), neutral)
    return rows.filter(~pl.col("says_nothing")).select(*SCHEMA, *extra), skipped


def _shortened(value: str) -> str:
    """A value shortened for the one line of an error."""
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}..."


def _plain_text(file: Path, scratch: Path) -> Path:
    """The file itself, or its unpacked contents if it is gzipped."""
    if file.is_dir():
        raise DataError(f"plays file {file} is a directory; name the file in it")
    if not file.exists():
        raise DataError(f"there is no plays file {file}; check its path")
    if not file.is_file():
        raise DataError(f"plays file {file} is no regular file; copy it into one")
    try:
        with file.open("rb") as stream:
            start = stream.read(4096)
        if not start:
            raise DataError(f"plays file {file} is empty; it needs a header {HEADER} and rows")
        if what := kind_of(start):
            raise DataError(f"plays file {file} is {what}")
        if not start.startswith(b"\x1f\x8b"):
            return file
        text = scratch / "plays.csv"
        with gzip.open(file, "rb") as packed, text.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, BLOCK)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"plays file {file} is damaged gzip ({str(error).rstrip('.')}); fetch it again"
        ) from None
    except OSError as error:
        raise DataError(
            f"plays file {file} cannot be read: {system_reason(error).lower()}; "
            "check its permissions"
        ) from None
    if not text.stat().st_size:
        raise DataError(f"plays file {file} is empty; it needs a header {HEADER} and rows")
    return text


def _check_encoding(file: Path, text: Path) -> None:
    """Raise for text that is not UTF-8, with the first line that is not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with text.open("rb") as stream:
        while block := stream.read(BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                at = line + error.object[: error.start].count(b"\n")
                byte = error.object[error.start]
                raise DataError(
                    f"plays file {file}, line {at}: byte 0x{byte:02x} is not UTF-8 text; "
                    "save the file as UTF-8"
                ) from None
            if b"\0" in block:
                at = line + block[: block.index(b"\0")].count(b"\n")
                raise DataError(
                    f"plays file {file}, line {at}: a zero byte is not text; save it as UTF-8 CSV"
                )
            line += block.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise DataError(
            f"plays file {file}, line {line}: the last character is cut off; fetch the file again"
        ) from None


def _columns(file: Path, text: Path) -> list[str]:
    """Names in the header; the required ones must be among them."""
    with text.open(encoding="utf-8-sig", newline="") as stream:
        header = stream.readline()
    if header.endswith("\r"):
        raise DataError(
            f"plays file {file} ends its lines with CR alone, as old Macs did; "
            "save it with line ends LF or CR LF"
        )
    header = header.rstrip("\r\n")
    with fields_of_any_length():
        names = next(csv.reader([header]), [])
    missing = [name for name in REQUIRED if name not in names]
    twice = [name for name in (*SCHEMA, *EXTRA) if names.count(name) > 1]
    if twice:
        raise DataError(
            f"plays file {file} has {names.count(twice[0])} columns {twice[0]!r}; "
            "keep one, and rename or remove the others"
        )
    if not missing:
        return names
    shown = ", ".join(repr(_shortened(name)) for name in names[:8]) or "none"
    remedy = f"make the first line {HEADER}, optionally with timestamp, skipped, rating, session_id"
    if len(names) == 1 and any(mark in header for mark in ";\t|"):
        remedy = "separate the columns by commas"
    raise DataError(
        f"plays file {file} has no column {missing[0]!r} (its columns: {shown}); {remedy}"
    )


def _parse(text: Path, columns: list[str], neutral: float | None) -> pl.LazyFrame:
    """The columns as values, with a row number and flags for the errors of the row."""
    optional = [name for name in ("timestamp", *EXTRA) if name in columns]
    raw = pl.scan_csv(text, infer_schema=False).select([*REQUIRED, *optional])
    raw = raw.with_row_index("row").filter(~pl.all_horizontal(pl.col(*REQUIRED).is_null()))
    given = {name: pl.col(name).str.strip_chars().fill_null("") for name in (*REQUIRED, *optional)}
    value = {
        "user_id": given["user_id"],
        "track_id": given["track_id"],
        "plays": given["plays"].cast(pl.Float64, strict=False),
        "timestamp": pl.lit(None, dtype=pl.Int64),
    }
    wrong = {
        "user_id": (given["user_id"] == "") | (given["user_id"].str.len_chars() > LONGEST_ID),
        "track_id": (given["track_id"] == "") | (given["track_id"].str.len_chars() > LONGEST_ID),
        "plays": ~value["plays"].is_between(0, MAX_PLAYS).fill_null(value=False),
        "timestamp": pl.lit(value=False),
    }
    nothing = value["plays"] == 0
    if "timestamp" in optional:
        value["timestamp"] = pl.col("timestamp").map_batches(
            epoch_seconds, return_dtype=pl.Int64, is_elementwise=True
        )
    if "skipped" in optional:
        flag = given["skipped"].str.to_lowercase().replace({"true": "1", "false": "0"})
        value["skipped"] = flag.cast(pl.Float64, strict=False)
        fits = value["skipped"].is_between(0, MAX_PLAYS).fill_null(value=False)
        wrong["skipped"] = ~fits & (given["skipped"] != "")
        nothing = nothing & (value["skipped"].fill_null(0) == 0)
    if "rating" in optional:
        stars = given["rating"].cast(pl.Float64, strict=False)
        low, high = (-1.0, 1.0) if neutral is None else (WORST, BEST)
        fits = stars.is_between(low, high).fill_null(value=False)
        wrong["rating"] = ~fits & (given["rating"] != "")
        value["rating"] = stars if neutral is None else _centred(stars, neutral)
        nothing = nothing & (value["rating"].fill_null(0) == 0)
    if "session_id" in optional:
        value["session_id"] = pl.when(given["session_id"] != "").then(given["session_id"])
        wrong["session_id"] = pl.lit(value=False)
    parsed = raw.select(
        "row",
        *(expression.alias(name) for name, expression in value.items()),
        *(expression.alias(f"bad_{name}") for name, expression in wrong.items()),
        nothing.alias("says_nothing"),
        *([given["timestamp"].alias("time")] if "timestamp" in optional else []),
    )
    if "timestamp" not in optional:
        return parsed
    # once parsed, not earlier: a time is read in one pass
    unread = pl.col("timestamp").is_null() & (pl.col("time") != "")
    return parsed.with_columns(bad_timestamp=unread).drop("time")


def _centred(stars: pl.Expr, neutral: float) -> pl.Expr:
    """Ratings of 1 to 5 as -1 to 1, 0 at the neutral one."""
    away = stars - neutral
    return pl.when(away > 0).then(away / (BEST - neutral)).otherwise(away / (neutral - WORST))


def _check_rows(
    file: Path, text: Path, parsed: pl.LazyFrame, names: tuple[str, ...], neutral: float | None
) -> int:
    """Raise for the first invalid row; count those without information."""
    first = [pl.col("row").filter(pl.col(f"bad_{name}")).min().alias(name) for name in names]
    counts = [pl.len().alias("rows"), pl.col("says_nothing").sum().alias("nothing")]
    bad = parsed.select(*first, *counts).collect(engine="streaming").row(0, named=True)
    bad_rows = {name: bad[name] for name in names if bad[name] is not None}
    if bad_rows:
        column = min(bad_rows, key=lambda name: bad_rows[name])
        raise _wrong_value(file, text, column, bad_rows[column], neutral)
    if bad["rows"] == bad["nothing"]:
        nothing = "has no rows" if not bad["rows"] else "has no row with plays above 0"
        raise DataError(f"plays file {file} {nothing}; export it again with listening in it")
    return int(bad["nothing"])


def _wrong_value(file: Path, text: Path, column: str, row: int, neutral: float | None) -> DataError:
    """The error for one value, searched again in the text to find its line."""
    line, value = 0, ""
    with text.open(encoding="utf-8-sig", newline="") as stream, fields_of_any_length():
        reader = csv.reader(stream)
        at = next(reader).index(column)
        for number, fields in enumerate(reader):
            if number == row:
                line, value = reader.line_num, fields[at] if at < len(fields) else ""
                break
    where = f"plays file {file}, line {line}"
    if column in REQUIRED and not value.strip():
        return DataError(f"{where}: {column} is empty; fill it in or remove the line")
    if column in ("user_id", "track_id"):
        return DataError(f"{where}: {column} {id_problem(value.strip())}")
    return DataError(
        f"{where}: {column}={_shortened(value)!r} {_complaint(column, value, neutral)}"
    )


def _complaint(column: str, value: str, neutral: float | None) -> str:
    """Describe what is wrong with a value, and the remedy."""
    if column == "timestamp":
        return "is not a time; use seconds since 1970 or ISO 8601 such as 2024-05-31T20:15:00Z"
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        return "is not a number; correct it" + ("" if column == "plays" else " or leave it empty")
    if column == "rating" and neutral is None:
        return (
            "is not from -1 to 1; where ratings are 1 to 5, name the neutral one, "
            "such as --neutral 3"
        )
    if column == "rating":
        return f"is not from {WORST:g} to {BEST:g}; correct it or leave it empty"
    if number < 0:
        return "is negative; use a count of 0 or more"
    return f"is not a plausible count (at most {MAX_PLAYS:.0e}); correct it"


def _malformed(file: Path, text: Path, error: Exception) -> DataError:
    """The error for text that is not CSV at all."""
    with text.open(encoding="utf-8-sig", newline="") as stream, fields_of_any_length():
        reader = csv.reader(stream, strict=True)
        try:
            width = len(next(reader))
            for fields in reader:
                if len(fields) > width:
                    return DataError(
                        f"plays file {file}, line {reader.line_num}: {len(fields)} fields where "
                        f"the header has {width}; put ids that hold a comma in double quotes"
                    )
        except csv.Error as mistake:
            return DataError(
                f"plays file {file}, line {reader.line_num}: {mistake}; {QUOTE_REMEDY}"
            )
    reason = first_line(error)
    return DataError(
        f"plays file {file} is not proper CSV ({reason}); put ids that hold a double quote "
        "in double quotes and double the one inside"
    )
