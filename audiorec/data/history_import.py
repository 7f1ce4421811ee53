"""Import a listening history: count its listens as plays, match its names to the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from audiorec.data.histories import AUTO, Export, RecognisedExport, Tally, history, recognise
from audiorec.data.names import Matcher
from audiorec.data.names.listen_matching import RULES
from audiorec.data.plays import ImportReport, PlaysWriter
from audiorec.data.plays.matched_names import add_names, has_mbids
from audiorec.data.plays.play_and_skip_rules import names_of, to_frame, to_plays, with_durations
from audiorec.exceptions import data_error

ME = "me"
"""The listener of a history of one person, where no name is given."""
COUNTING = ("itunes", "navidrome", "plex", "foobar2000", "mpd", "beets")
"""Formats with running counts: those of a later export replace the earlier ones."""
LARGEST = 5


class HistoryReport(NamedTuple):
    """Counts of the listens of one imported history.

    Attributes
    ----------
    file : Path
    source : str
        Its format.
    imported : ImportReport
    users : tuple of str
        Listeners, as stored; at most ten.
    left_out : dict of str to int
        Number of rows that were left out, by kind.
    matched : dict of str to int
        Number of listens that were matched to tracks, by rule.
    unmatched : int
        Number of unmatched listens: they count as tracks without audio.
    largest_unmatched : tuple of (str, int)
        Their most frequent names, and the listens of each.
    """

    file: Path
    source: str
    imported: ImportReport
    users: tuple[str, ...]
    left_out: dict[str, int]
    matched: dict[str, int]
    unmatched: int
    largest_unmatched: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON."""
        about = self._asdict()
        about["file"] = str(self.file)
        about["listeners"] = about.pop("users")
        return about.pop("imported")._asdict() | about


def open_export(
    writer: PlaysWriter, file: Path, *, source: str = AUTO
) -> tuple[Export, RecognisedExport]:
    """Open the files of an export, and recognise their format.

    Raises
    ------
    DataError
        See `Export` and `recognise`.
    """
    export = Export(file, scratch=writer.new_scratch())
    return export, recognise(export, source=source)


def add_history(
    writer: PlaysWriter,
    export: Export,
    recognised: RecognisedExport,
    *,
    user: str | None = None,
    matcher: Callable[[bool], Matcher],
) -> HistoryReport:
    """Add the listens of a history to a writer of plays.

    Parameters
    ----------
    writer : PlaysWriter
    export : Export
    recognised : RecognisedExport
        Its format, and its files.
    user : str, optional
        The listener. In a history of several, the one whose listens are imported; by default all
        are, under their names. A history of one person is that of `ME` by default.
    matcher : callable
        Makes the matcher of names; its argument is whether MusicBrainz ids are of use.

    Raises
    ------
    DataError
        If it cannot be read, or has nothing to store.
    """
    source, members = recognised
    tally = Tally()
    frame = to_frame(history(source).read(export, members, tally))
    frame, listener = _of_user(export.path, frame, tally, source=source, user=user)
    if not len(frame):
        problems = ", ".join(f"{n} {what}" for what, n in tally.most_common(3)) or "it has no rows"
        raise data_error(export.path, f"has no plays of music ({problems})", "export it again")
    names = names_of(frame)
    table = add_names(writer, names, matcher(has_mbids(names)))
    frame = with_durations(frame, _durations(table, matcher(False)))
    tracks = table.select("key", pl.coalesce("track_id", "name_id"))
    plays = to_plays(frame, user=listener, ids=dict(tracks.iter_rows()))
    if not len(plays.frame):
        raise data_error(
            export.path, "has nothing that counts as a play or a skip", "export it again"
        )
    timed = plays.frame.filter(pl.col("timestamp").is_not_null())
    counts = plays.frame.filter(pl.col("timestamp").is_null())
    group = (listener or "*") if source in COUNTING else None
    reports = []
    # Counts of a named listener are stored in one part, wherever their export was.
    if len(timed):
        reports.append(_add_plays(writer, timed, export.path, source=source, group=None))
    if len(counts):
        reports.append(
            _add_plays(writer, counts, export.path, source=source, group=group or "counts")
        )
    tally["listens that are neither a play nor a skip"] += plays.neither
    report = _report(export.path, source, reports, plays.frame, table, tally, plays.duplicates)
    return report._replace(users=tuple(writer.user(name) for name in report.users))


def _add_plays(
    writer: PlaysWriter, frame: pl.DataFrame, path: Path, *, source: str, group: str | None
) -> ImportReport:
    key = f"counts of {path.resolve()}" if group == "counts" else group
    return writer.add(frame.lazy(), file=path, source=source, group=key)


def _of_user(
    path: Path, frame: pl.DataFrame, tally: Tally, *, source: str, user: str | None
) -> tuple[pl.DataFrame, str | None]:
    """Listens of one listener, and their name; None where all keep theirs."""
    known = sorted(set(frame["user"].to_list()) - {""})
    if len(known) <= 1 and source not in ("xspf", "jspf"):
        return frame, user or ME
    if user is None:
        tally["plays of a listener without a name"] += int((frame["user"] == "").sum())
        return frame.filter(pl.col("user") != ""), None
    if user not in known:
        raise data_error(
            path,
            f"has {len(known)} listeners, and {user!r} is none of them",
            f"name one of {', '.join(known[:10])}; or leave --user out for all",
        )
    return frame.filter(pl.col("user") == user), user


def _durations(table: pl.DataFrame, matcher: Matcher) -> pl.DataFrame:
    """Lengths of the tracks matched to names: columns key and matched_duration."""
    matched = table.filter(pl.col("track_id").is_not_null()).select("key", "track_id")
    lengths = [matcher.duration(track_id) for track_id in matched["track_id"].to_list()]
    return matched.select("key", pl.Series("matched_duration", lengths, dtype=pl.Float64))


def _report(
    path: Path,
    source: str,
    reports: list[ImportReport],
    plays: pl.DataFrame,
    table: pl.DataFrame,
    tally: Tally,
    duplicates: int,
) -> HistoryReport:
    total = ImportReport(
        rows=sum(r.rows for r in reports),
        users=plays["user_id"].n_unique(),
        tracks=plays["track_id"].n_unique(),
        duplicates=duplicates + sum(r.duplicates for r in reports),
        summed=sum(r.summed for r in reports),
        skipped=sum(tally.values()),
        replaced=sum(r.replaced for r in reports),
        skips=sum(r.skips for r in reports),
        ratings=sum(r.ratings for r in reports),
    )
    listens = plays.join(table, left_on="track_id", right_on="key", how="left")
    by_rule: Counter[str] = Counter()
    unmatched: Counter[str] = Counter()
    for rule, track_id, artist, title, n in listens.select(
        "rule", "track_id_right", "artist", "title", "plays"
    ).iter_rows():
        if track_id is None:
            unmatched[f"{artist} - {title}" if artist else title] += max(1, int(n))
        else:
            by_rule[rule] += max(1, int(n))
    return HistoryReport(
        path,
        source,
        total,
        tuple(plays["user_id"].unique().sort().head(10).to_list()),
        {what: n for what, n in tally.most_common() if n},
        {rule: by_rule[rule] for rule in RULES if by_rule[rule]},
        sum(unmatched.values()),
        tuple(unmatched.most_common(LARGEST)),
    )
