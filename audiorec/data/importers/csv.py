"""Listening as comma-separated text: ``user_id,track_id,plays`` and optionally ``timestamp``.

The file is UTF-8, plain or gzipped, with a header; the order of the columns is free and other
columns are ignored. Counts may be fractional. A time is a second since 1970 (or a millisecond or
microsecond, told by its size), or ISO 8601; a time without a zone is taken as UTC. The text is
parsed and checked as columns, in batches; only once something is wrong is it read again line by
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
SCHEMA = (*REQUIRED, "timestamp")
HEADER = "user_id,track_id,plays"
MAX_PLAYS = 1e9
"""One play a second for 31 years: more is a wrong column, not a count."""
MAX_SECONDS = 100_000_000_000
"""Epoch seconds up to the year 5138; larger numbers are milliseconds or microseconds."""
BLOCK = 1 << 22
"""Bytes read at a time."""

_NOTHING = pl.Series([None], dtype=pl.Float64)
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
        Existing directory for what is unpacked and parsed; it must live as long as the frame.

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
    parsed = scratch / "parsed.parquet"
    try:
        _parse(text, with_timestamp="timestamp" in columns).sink_parquet(parsed)
    except pl.exceptions.PolarsError as error:
        raise _malformed(file, text, error) from None
    rows = pl.scan_parquet(parsed)
    skipped = _check_rows(file, text, rows)
    return rows.filter(pl.col("plays") > 0).select(*SCHEMA), skipped


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
    """The columns as values, with a row number and flags for what is wrong in the row."""
    raw = pl.scan_csv(text, infer_schema=False)
    raw = raw.select([*REQUIRED, "timestamp"] if with_timestamp else [*REQUIRED])
    raw = raw.with_row_index("row").filter(~pl.all_horizontal(pl.col(*REQUIRED).is_null()))
    names = ("user_id", "track_id")
    plays = pl.col("plays").str.strip_chars().cast(pl.Float64, strict=False)
    time, time_is_wrong = pl.lit(None, dtype=pl.Int64), pl.lit(value=False)
    if with_timestamp:
        time = pl.col("timestamp").map_batches(
            epoch_seconds, return_dtype=pl.Int64, is_elementwise=True
        )
        time_is_wrong = pl.col("timestamp").is_null() & (
            pl.col("timestamp_text").str.strip_chars().fill_null("") != ""
        )
        raw = raw.with_columns(timestamp_text=pl.col("timestamp"))
    return raw.with_columns(
        *(pl.col(name).str.strip_chars().fill_null("") for name in names),
        plays=plays,
        timestamp=time,
    ).select(
        "row",
        *SCHEMA,
        *((pl.col(name) == "").alias(f"bad_{name}") for name in names),
        bad_plays=~pl.col("plays").is_between(0, MAX_PLAYS).fill_null(value=False),
        bad_timestamp=time_is_wrong,
    )


def epoch_seconds(text: pl.Series) -> pl.Series:
    """Times as seconds since 1970-01-01 UTC.

    Parameters
    ----------
    text : pl.Series of str
        Numbers of seconds, milliseconds or microseconds, told apart by their size; or ISO 8601.

    Returns
    -------
    seconds : pl.Series of int64
        Rounded down; null where the text is no time, or one before 1970.
    """
    text = text.str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    frame = pl.DataFrame({"text": text, "number": number})
    value = pl.col("number")
    seconds = frame.select(
        pl.when(value < MAX_SECONDS)
        .then(value)
        .when(value < MAX_SECONDS * 1e3)
        .then(value / 1e3)
        .otherwise(value / 1e6)
    ).to_series()
    # Most logs are of one form throughout: the form is tried on what the one before has left.
    for read in (_utc_seconds, _iso_seconds):
        left = (seconds.is_null() & text.is_not_null() & (text != "")).arg_true()
        if len(left):
            seconds = seconds.scatter(left, read(text.gather(left)))
    plausible = seconds.is_between(0, MAX_SECONDS, closed="left")
    return seconds.floor().zip_with(plausible, _NOTHING).cast(pl.Int64).alias("timestamp")


def _utc_seconds(text: pl.Series) -> pl.Series:
    """Times of the form 2024-05-31T20:15:00Z, null where they are of another."""
    moment = text.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms", strict=False, cache=False)
    return moment.dt.epoch("s").cast(pl.Float64)


def _iso_seconds(text: pl.Series) -> pl.Series:
    """Times of any form of ISO 8601 that `_ISO` matches, null where none does."""
    part = text.str.extract_groups(_ISO).struct.unnest()
    zone = pl.col("4").str.replace_all(r"[^0-9+-]", "")
    hours = zone.str.slice(1, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = zone.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    clock = pl.concat_str(
        pl.col("1"), pl.lit(" "), pl.col("2").fill_null("00:00"), pl.col("3").fill_null(":00")
    )
    moment = clock.str.to_datetime(
        "%Y-%m-%d %H:%M:%S", time_unit="ms", strict=False, cache=False
    ).dt.epoch("s")
    return part.select((moment - sign * (hours * 3600 + minutes * 60)).cast(pl.Float64)).to_series()


def _check_rows(file: Path, text: Path, parsed: pl.LazyFrame) -> int:
    """Raise for the first row that cannot stand; count those of no plays."""
    first = [pl.col("row").filter(pl.col(f"bad_{name}")).min().alias(name) for name in SCHEMA]
    counts = [pl.len().alias("rows"), (pl.col("plays") == 0).sum().alias("skipped")]
    found = parsed.select(*first, *counts).collect(engine="streaming").row(0, named=True)
    bad_rows = {name: found[name] for name in SCHEMA if found[name] is not None}
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
