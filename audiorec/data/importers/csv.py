"""Listening as comma-separated text: ``user_id,track_id,plays`` and optionally ``timestamp``.

The file is UTF-8, plain or gzipped, with a header; the order of the columns is free and other
columns are ignored. Counts may be fractional. A time is a second since 1970 (or a millisecond or
microsecond, told by its size), or ISO 8601; a time without a zone is taken as UTC. The columns
are parsed and checked as columns; only once something is wrong is the text read again line by
line, to say where.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import shutil
import zlib
from pathlib import Path

import polars as pl

from audiorec.exceptions import DataError

REQUIRED = ("user_id", "track_id", "plays")
HEADER = "user_id,track_id,plays"
MAX_PLAYS = 1e9
"""One play a second for 31 years: more is a wrong column, not a count."""
MAX_SECONDS = 100_000_000_000
"""Epoch seconds up to the year 5138; larger numbers are milliseconds or microseconds."""
BLOCK = 1 << 22
"""Bytes read at a time."""

_ISO = (
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(?:[.,]\d+)?)?"
    r" ?(Z|z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$"
)


def read_plays(file: Path, *, scratch: Path) -> tuple[pl.LazyFrame, int]:
    """Read and check a file of plays.

    Parameters
    ----------
    file : Path
        The file; a name in ``.gz`` is not needed, gzip is known by its first bytes.
    scratch : Path
        Existing directory where a gzipped file is unpacked; it must live as long as the frame.

    Returns
    -------
    plays : pl.LazyFrame
        Columns user_id, track_id, plays and timestamp (null where the file has none), in the
        order of the file.
    skipped : int
        Rows whose count is zero.

    Raises
    ------
    DataError
        If the file is missing, not text, not UTF-8, lacks a column, holds no rows, or has an
        empty id, an impossible count or an unreadable time; the message names the line.
    """
    text = _plain_text(file, scratch)
    _check_encoding(file, text)
    columns = _columns(file, text)
    parsed = _parse(text, with_timestamp="timestamp" in columns)
    skipped = _check_rows(file, text, parsed)
    tidy = parsed.filter(~_blank() & (pl.col("plays") > 0))
    return tidy.select("user_id", "track_id", "plays", "timestamp"), skipped


def _plain_text(file: Path, scratch: Path) -> Path:
    """The file itself, or what it holds when it is gzipped."""
    if file.is_dir():
        raise DataError(f"plays file {file} is a directory; name the file in it")
    if not file.exists():
        raise DataError(f"there is no plays file {file}; check its path")
    if not file.is_file():
        raise DataError(f"plays file {file} is no regular file; copy it into one")
    try:
        with file.open("rb") as stream:
            start = stream.read(2)
        if not start:
            raise DataError(f"plays file {file} is empty; it needs a header {HEADER} and rows")
        if start != b"\x1f\x8b":
            return file
        text = scratch / "plays.csv"
        with gzip.open(file, "rb") as packed, text.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, BLOCK)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"plays file {file} is damaged gzip ({str(error).rstrip('.')}); fetch it again"
        ) from None
    except OSError as error:
        raise DataError(f"plays file {file} cannot be read: {error.strerror}") from None
    if not text.stat().st_size:
        raise DataError(f"plays file {file} is empty; it needs a header {HEADER} and rows")
    return text


def _check_encoding(file: Path, text: Path) -> None:
    """Refuse what is not UTF-8, at the first line that shows it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with text.open("rb") as stream:
        while block := stream.read(BLOCK):
            if line == 1 and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise DataError(f"plays file {file} is UTF-16 text; save it as UTF-8")
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
    """Names in the header, which must hold the required ones."""
    with text.open(encoding="utf-8-sig", newline="") as stream:
        header = stream.readline().rstrip("\r\n")
    names = next(csv.reader([header]), [])
    missing = [name for name in REQUIRED if name not in names]
    if not missing:
        return names
    found = ", ".join(map(repr, names[:8])) or "none"
    remedy = f"make the first line {HEADER}, optionally with timestamp"
    if len(names) == 1 and any(mark in header for mark in ";\t|"):
        remedy = "separate the columns by commas"
    raise DataError(
        f"plays file {file} has no column {missing[0]!r} (its columns: {found}); {remedy}"
    )


def _parse(text: Path, *, with_timestamp: bool) -> pl.LazyFrame:
    """The columns as values, null where a text is none, with the text beside and a row number."""
    names = [*REQUIRED, "timestamp"] if with_timestamp else [*REQUIRED]
    raw = pl.scan_csv(text, infer_schema=False).select(names).with_row_index("row")
    if not with_timestamp:
        raw = raw.with_columns(timestamp=pl.lit(None, dtype=pl.String))
    return raw.with_columns(
        user_id=pl.col("user_id").str.strip_chars(),
        track_id=pl.col("track_id").str.strip_chars(),
        plays=pl.col("plays").str.strip_chars().cast(pl.Float64, strict=False),
        timestamp=_epoch_seconds() if with_timestamp else pl.lit(None, dtype=pl.Int64),
        plays_text=pl.col("plays"),
        timestamp_text=pl.col("timestamp").str.strip_chars(),
    )


def _epoch_seconds() -> pl.Expr:
    """Seconds since 1970-01-01 UTC from a number or ISO 8601, null where neither fits."""
    text = pl.col("timestamp").str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    seconds = (
        pl.when(number < MAX_SECONDS)
        .then(number)
        .when(number < MAX_SECONDS * 1e3)
        .then(number / 1e3)
        .otherwise(number / 1e6)
    )
    part = text.str.extract_groups(_ISO).struct
    clock = pl.concat_str(
        part.field("1"),
        pl.lit(" "),
        part.field("2").fill_null("00:00"),
        part.field("3").fill_null(":00"),
    )
    zone = part.field("4").str.replace_all(r"[^0-9+-]", "")
    hours = zone.str.slice(1, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = zone.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    moment = clock.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms", strict=False)
    iso = moment.dt.epoch("s") - sign * (hours * 3600 + minutes * 60)
    value = pl.when(number.is_not_null()).then(seconds.floor()).otherwise(iso.cast(pl.Float64))
    plausible = value.is_between(0, MAX_SECONDS, closed="left")
    return pl.when(plausible).then(value).cast(pl.Int64, strict=False)


def _blank() -> pl.Expr:
    """Whether a line is empty: the reader gives it as nulls throughout."""
    nothing = pl.col("user_id").is_null() & pl.col("track_id").is_null()
    return nothing & pl.col("plays_text").is_null()


def _check_rows(file: Path, text: Path, parsed: pl.LazyFrame) -> int:
    """Raise for the first row that cannot stand; count those of no plays."""
    plays, row = pl.col("plays"), pl.col("row")
    whole = ~_blank()
    wrong = {
        "user_id": pl.col("user_id").fill_null("") == "",
        "track_id": pl.col("track_id").fill_null("") == "",
        "plays": ~plays.is_between(0, MAX_PLAYS).fill_null(value=False),
        "timestamp": (pl.col("timestamp_text").fill_null("") != "") & pl.col("timestamp").is_null(),
    }
    first = [row.filter(whole & bad).min().alias(name) for name, bad in wrong.items()]
    counts = [whole.sum().alias("rows"), (whole & (plays == 0)).sum().alias("skipped")]
    try:
        found = parsed.select(*first, *counts).collect(engine="streaming").row(0, named=True)
    except pl.exceptions.PolarsError as error:
        raise _malformed(file, text, error) from None
    bad_rows = {name: found[name] for name in wrong if found[name] is not None}
    if bad_rows:
        column = min(bad_rows, key=lambda name: bad_rows[name])
        raise _wrong_value(file, text, column, bad_rows[column])
    if found["rows"] == found["skipped"]:
        nothing = "has no rows" if not found["rows"] else "has no row with plays above 0"
        raise DataError(f"plays file {file} {nothing}; export it again with listening in it")
    return int(found["skipped"])


def _wrong_value(file: Path, text: Path, column: str, row: int) -> DataError:
    """The error for one value, found again in the text so that its line can be named."""
    line, value = 0, ""
    with text.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        at = next(reader).index(column)
        for number, fields in enumerate(reader):
            if number == row:
                line, value = reader.line_num, fields[at] if at < len(fields) else ""
                break
    where = f"plays file {file}, line {line}"
    if column != "timestamp" and not value.strip():
        return DataError(f"{where}: {column} is empty; fill it in or remove the line")
    if column == "timestamp":
        return DataError(
            f"{where}: timestamp={value!r} is no time; use seconds since 1970 or ISO 8601 "
            "such as 2024-05-31T20:15:00Z"
        )
    try:
        number_given = float(value)
    except ValueError:
        return DataError(f"{where}: plays={value!r} is not a number; correct it")
    if number_given < 0:
        return DataError(f"{where}: plays={value!r} is negative; use a count of 0 or more")
    return DataError(
        f"{where}: plays={value!r} is no plausible count (at most {MAX_PLAYS:.0e}); correct it"
    )


def _malformed(file: Path, text: Path, error: Exception) -> DataError:
    """The error for text that is not CSV at all."""
    with text.open(encoding="utf-8-sig", newline="") as stream:
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
                f"plays file {file}, line {reader.line_num}: {mistake}; "
                "close the double quote, or double one inside a quoted id"
            )
    reason = str(error).splitlines()[0].strip()
    return DataError(
        f"plays file {file} is not proper CSV ({reason}); put ids that hold a double quote "
        "in double quotes and double the one inside"
    )
