"""Parsing of times in a column of text to seconds since 1970-01-01 UTC."""

from __future__ import annotations

import polars as pl

MAX_SECONDS = 100_000_000_000
"""Epoch seconds up to the year 5138; larger numbers are milliseconds or microseconds."""
_NOTHING = pl.Series([None], dtype=pl.Float64)
_ISO = (
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(?:[.,]\d+)?)?"
    r" ?(Z|z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$"
)


def epoch_seconds(text: pl.Series) -> pl.Series:
    """Parse times to seconds since 1970-01-01 UTC.

    Parameters
    ----------
    text : pl.Series of str
        Numbers of seconds, milliseconds or microseconds, distinguished by size; or ISO 8601.

    Returns
    -------
    seconds : pl.Series of int64
        Rounded down; null where the text is not a time, or one before 1970.
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
    # Most logs have one form throughout: each form is tried on the rest of the one before.
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
