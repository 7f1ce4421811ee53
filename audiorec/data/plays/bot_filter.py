"""Bot filter: detects bots, one track on repeat, and scripts that share one history.

Three rules, each with limits in `audiorec.data.plays.config.InteractionsConfig`:

- ``daily``: more plays in one day than are humanly possible;
- ``repeat``: one track played more often in one day than is possible, or almost nothing but one
track, far beyond anybody's favourite;
- ``identical``: several listeners with exactly the same history.

Stored plays are never changed: suspects are detected again wherever models are trained on
listening, and can be kept by name. A rule that matches more than half of all listeners tells more
about the data than about them, so it is reported and not applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from audiorec.data.plays.config import InteractionsConfig, Rule
from audiorec.exceptions import DataError

SECONDS_PER_DAY = 86_400
PLAYS_PER_DAY = 1000
"""More plays in one day (UTC) are not a person's. Songs of 3.5 minutes fill a day with 411."""
ABOVE_FAVOURITES = 20
"""Multiple of the median listener's favourite above which one track is on repeat."""
REPEAT_PER_DAY = 500
"""More plays of one track in one day are not a person's."""
REPEAT_FRACTION, REPEAT_PLAYS = 0.99, 1000
"""On repeat: at least this fraction of a listener's plays, and this many, are of one track."""
IDENTICAL_LISTENERS, IDENTICAL_TRACKS = 3, 8
"""This many listeners with the same plays of at least this many tracks are one script.

Where counts are all equal, or differ between the listeners, twice as many tracks are needed.
"""
MANY = 0.5
"""A rule that matches more than this fraction of the listeners is not applied."""
FEW_LISTENERS = 20
"""With fewer listeners than this a fraction means little: every rule is applied."""

SMALL_PART = 0.5
"""Of the catalogue: many have played almost all of a small one, and are not the same."""

_SCHEMA = {
    "user_id": pl.String,
    "rule": pl.String,
    "reason": pl.String,
    "figure": pl.Float64,
    "limit": pl.Float64,
    "kept": pl.Boolean,
}


@dataclass(frozen=True, eq=False)
class Suspects:
    """Listeners that bot filter rules match, with the reasons.

    Attributes
    ----------
    frame : pl.DataFrame
        One row per listener and rule: user_id, rule, reason (a readable line), figure, limit (the
        count, and the limit that it exceeds), kept (not filtered, by the settings). Sorted by
        user_id and rule.
    n_listeners : int
        Total number of listeners.
    not_followed : dict of str to int
        Rules that matched more than half of the listeners, and how many: these are not in `frame`.
    """

    frame: pl.DataFrame
    n_listeners: int
    not_followed: dict[str, int]

    @cached_property
    def users(self) -> frozenset[str]:
        """Listeners to filter out."""
        return frozenset(self.frame.filter(~pl.col("kept"))["user_id"].to_list())

    @property
    def counts(self) -> dict[str, int]:
        """Number of listeners that each rule filters out; several rules may match one listener."""
        counted = self.frame.filter(~pl.col("kept")).group_by("rule").len().sort("rule")
        return dict(zip(counted["rule"].to_list(), counted["len"].to_list(), strict=True))

    def __len__(self) -> int:
        return len(self.users)

    def __contains__(self, user_id: object) -> bool:
        return user_id in self.users

    def reason(self, user_id: str) -> str:
        """Reason why a listener is suspect, in one line; empty for others."""
        return "; ".join(self.frame.filter(pl.col("user_id") == user_id)["reason"].to_list())

    def without(self, plays: pl.DataFrame) -> pl.DataFrame:
        """Plays of all other listeners, in the order of the rows."""
        if not self.users:
            return plays
        gone = self.frame.filter(~pl.col("kept")).select("user_id").unique()
        gone = gone.cast({"user_id": plays.schema["user_id"]})
        return plays.join(gone, on="user_id", how="anti", maintain_order="left")

    def summary(self) -> str:
        """Number of listeners filtered out, by rule, in one line; empty where there are none."""
        parts = []
        if self.users:
            by_rule = ", ".join(f"{count} {rule}" for rule, count in self.counts.items())
            noun = "listener" if len(self) == 1 else "listeners"
            parts.append(f"left out {len(self)} suspect {noun} ({by_rule})")
        parts += [
            f"rule {rule!r} not followed: it names {count} of {self.n_listeners} listeners"
            for rule, count in self.not_followed.items()
        ]
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON."""
        return {
            "listeners": self.n_listeners,
            "left_out": len(self),
            "rules": self.counts,
            "not_followed": self.not_followed,
            "suspects": self.frame.to_dicts(),
        }


def daily_plays(plays: pl.DataFrame) -> pl.DataFrame:
    """Count plays of each listener and track on each day: the input of all rules.

    Parameters
    ----------
    plays : pl.DataFrame
        Columns user_id, track_id, plays and, optionally, timestamp (epoch s or null).

    Returns
    -------
    daily : pl.DataFrame
        Columns user_id, track_id, day (int32 since 1970-01-01 UTC, or null) and plays, one row
        for each listener, track and day, in no particular order.
    """
    if "day" in plays.columns:
        return plays
    day = pl.lit(None, dtype=pl.Int32)
    if "timestamp" in plays.columns:
        day = (pl.col("timestamp") // SECONDS_PER_DAY).cast(pl.Int32)
    frame = plays.lazy().select("user_id", "track_id", "plays", day.alias("day"))
    keys = ("user_id", "track_id", "day")
    return frame.group_by(keys).agg(pl.col("plays").sum()).select(*keys, "plays").collect()


def find_suspects(plays: pl.DataFrame, *, config: InteractionsConfig) -> Suspects:
    """Find listeners whose plays look automated.

    Parameters
    ----------
    plays : pl.DataFrame
        Input or output of `daily_plays`. Without times the rules that count days match nobody. If
        no listener has a track on two days, a time may be the last of many plays; then a day is
        counted only for listeners whose plays are all on it.
    config : InteractionsConfig

    Returns
    -------
    suspects : Suspects
        Independent of the order of `plays`.
    """
    daily = daily_plays(plays)
    pairs, timed = _pairs(daily)
    people = _people(pairs)
    by_rule: list[pl.DataFrame] = []
    not_followed: dict[str, int] = {}
    for rule in dict.fromkeys(config.rules):
        if rule == "identical":
            rows = _identical(people, pairs["track_id"].n_unique(), config)
        elif rule == "repeat":
            rows = pl.concat(
                [_on_repeat(people, pairs, config), _track_days(timed, people, config)]
            )
            rows = rows.unique("user_id", keep="first", maintain_order=True)
        else:
            rows = _days(timed, people, config)
        if len(people) >= FEW_LISTENERS and len(rows) > MANY * len(people):
            not_followed[rule] = len(rows)
            continue
        by_rule.append(_labelled(rows, rule))
    frame = pl.concat(by_rule) if by_rule else pl.DataFrame(schema={**_SCHEMA})
    frame = frame.cast({"user_id": pl.String})
    frame = frame.with_columns(kept=pl.col("user_id").is_in(list(config.keep)))
    frame = frame.select(*_SCHEMA).sort("user_id", "rule")
    return Suspects(frame, n_listeners=len(people), not_followed=not_followed)


def check_keep(plays: pl.DataFrame, *, config: InteractionsConfig) -> None:
    """Refuse to keep an unknown listener: the name is misspelt.

    Raises
    ------
    DataError
        If `config.keep` has somebody without plays.
    """
    if not config.keep:
        return
    known = set(
        plays.lazy()
        .filter(pl.col("user_id").is_in(list(config.keep)))
        .select(pl.col("user_id").unique())
        .collect()["user_id"]
        .to_list()
    )
    for user_id in config.keep:
        if user_id not in known:
            raise DataError(
                f"[interactions] keep names {user_id!r}, who has no plays; "
                "correct the name or take it off the list"
            )


def _pairs(daily: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Plays of each listener and track; and the rows whose day counts."""
    with_day = daily.filter(pl.col("day").is_not_null())
    if not len(with_day):
        return daily.select("user_id", "track_id", "plays"), with_day
    keys = ("user_id", "track_id")
    pairs = daily.lazy().group_by(keys).agg(pl.col("plays").sum(), pl.col("day").count()).collect()
    if len(with_day) == pairs.select((pl.col("day") > 0).sum()).item():
        one_day = with_day.lazy().group_by("user_id").agg(pl.col("day").n_unique())
        one_day = one_day.filter(pl.col("day") == 1).select("user_id")
        with_day = with_day.lazy().join(one_day, on="user_id", how="semi").collect()
    return pairs.drop("day"), with_day


def _people(pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per listener: plays, tracks, the most played track, and digests."""
    track = pl.col("track_id").hash(seed=1)
    # Sums of hashes do not depend on the order of the rows.
    return (
        pairs.lazy()
        .with_columns(track_hash=track, play_hash=(track ^ pl.col("plays").hash(seed=2)).hash(3))
        .group_by("user_id")
        .agg(
            total=pl.col("plays").sum(),
            top=pl.col("plays").max(),
            low=pl.col("plays").min(),
            n_tracks=pl.len(),
            tracks=pl.col("track_hash").sum(),
            counts=pl.col("play_hash").sum(),
        )
        .collect()
    )


def _days(timed: pl.DataFrame, people: pl.DataFrame, config: InteractionsConfig) -> pl.DataFrame:
    """Listeners with a day of more plays than the limit, and the day with the most."""
    heavy = people.lazy().filter(pl.col("total") > PLAYS_PER_DAY).select("user_id")
    days = (
        timed.lazy()
        .join(heavy, on="user_id", how="semi")
        .group_by("user_id", "day")
        .agg(figure=pl.col("plays").sum())
        .filter(pl.col("figure") > PLAYS_PER_DAY)
        .sort("user_id", "figure", "day", descending=[False, True, False])
        .unique("user_id", keep="first", maintain_order=True)
    )
    reason = pl.format("{} plays on {}", _count("figure"), pl.col("day").cast(pl.Date))
    return _suspect_rows(days, reason, pl.lit(float(PLAYS_PER_DAY)))


def _track_days(
    timed: pl.DataFrame, people: pl.DataFrame, config: InteractionsConfig
) -> pl.DataFrame:
    """Listeners who played one track more often in one day than the limit."""
    heavy = people.lazy().filter(pl.col("top") > REPEAT_PER_DAY).select("user_id")
    days = (
        timed.lazy()
        .join(heavy, on="user_id", how="semi")
        .filter(pl.col("plays") > REPEAT_PER_DAY)
        .rename({"plays": "figure"})
        .sort("user_id", "figure", "day", "track_id", descending=[False, True, False, False])
        .unique("user_id", keep="first", maintain_order=True)
    )
    day = pl.col("day").cast(pl.Date)
    reason = pl.format("{} plays of track {} on {}", _count("figure"), "track_id", day)
    return _suspect_rows(days, reason, pl.lit(float(REPEAT_PER_DAY)))


def _on_repeat(
    people: pl.DataFrame, pairs: pl.DataFrame, config: InteractionsConfig
) -> pl.DataFrame:
    """Listeners who play almost nothing but one track, and that excessively."""
    usual = people.select(pl.col("top").median()).item()
    limit = max(REPEAT_PLAYS, ABOVE_FAVOURITES * float(usual or 0.0))
    most = people.lazy().filter(
        pl.col("top") >= limit, pl.col("top") >= REPEAT_FRACTION * pl.col("total")
    )
    rows = (
        pairs.lazy()
        .join(most.select("user_id", "top", "total"), on="user_id")
        .filter(pl.col("plays") == pl.col("top"))
        .sort("user_id", "track_id")
        .unique("user_id", keep="first", maintain_order=True)
        .with_columns(figure=pl.col("top"))
    )
    share = (100 * pl.col("top") / pl.col("total")).round(1)
    reason = pl.format("{} of {} plays ({} %) are of track {}", _count("top"), _count("total"),
                       share, "track_id")  # fmt: skip
    return _suspect_rows(rows, reason, pl.lit(float(limit)))


def _identical(people: pl.DataFrame, n_tracks: int, config: InteractionsConfig) -> pl.DataFrame:
    """Listeners who share one history with enough others."""
    uneven = people.lazy().filter(pl.col("low") < pl.col("top"))
    some = people.lazy().filter(pl.col("n_tracks") <= SMALL_PART * n_tracks)
    groups = []
    for frame, same, least, words in (
        (uneven, ("tracks", "counts", "n_tracks"), IDENTICAL_TRACKS, "tracks, as often,"),
        (some, ("tracks", "n_tracks"), 2 * IDENTICAL_TRACKS, "tracks"),
    ):
        size = pl.len().over(same)
        first = pl.col("user_id").min().over(same)
        groups.append(
            frame.filter(pl.col("n_tracks") >= least)
            .with_columns(figure=size.cast(pl.Float64), first=first, words=pl.lit(words))
            .filter(pl.col("figure") >= IDENTICAL_LISTENERS)
            .select("user_id", "figure", "first", "words", "n_tracks")
        )
    rows = pl.concat(groups).sort("user_id", "words", descending=[False, True])
    rows = rows.unique("user_id", keep="first", maintain_order=True)
    others = _count(pl.col("figure") - 1)
    reason = pl.format(
        "the same {} {} as {} other listeners, {} the first of them",
        "n_tracks", "words", others, "first",
    )  # fmt: skip
    return _suspect_rows(rows, reason, pl.lit(float(IDENTICAL_LISTENERS)))


def _suspect_rows(rows: pl.LazyFrame, reason: pl.Expr, limit: pl.Expr) -> pl.DataFrame:
    """Listener, reason, figure and limit."""
    figure = pl.col("figure").cast(pl.Float64)
    return rows.select("user_id", reason.alias("reason"), figure, limit.alias("limit")).collect()


def _labelled(rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    return rows.with_columns(rule=pl.lit(rule, dtype=pl.String))


def _count(column: str | pl.Expr) -> pl.Expr:
    """A count as a whole number."""
    expression = pl.col(column) if isinstance(column, str) else column
    return expression.round(0).cast(pl.Int64)
