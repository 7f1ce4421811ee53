"""Listening: stored as Parquet, one part per imported file, and read as a sparse matrix.

What an artist's fans call "plays" is here a frame with the columns ``user_id``, ``track_id``,
``plays`` (float64) and ``timestamp`` (second since 1970-01-01 UTC, or null). Tracks need no audio:
listening to any track tells something about the listener. Where the files told of them there are
two more columns, ``skipped`` (how many of the plays were broken off) and ``rating`` (-1 to 1).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import scipy.sparse

from audiorec import artifacts
from audiorec.artifacts import Manifest
from audiorec.config import ListeningConfig
from audiorec.data.evidence import net_plays
from audiorec.data.importers import BY_PATH, get_importer
from audiorec.data.sink import sink
from audiorec.exceptions import ArtifactError, DataError, ParameterError, first_line
from audiorec.ids import IdMap

KIND = "plays"
KEY = ("user_id", "track_id", "plays", "timestamp")


class ImportReport(NamedTuple):
    """What importing one file did.

    Attributes
    ----------
    rows : int
        Rows stored.
    users, tracks : int
        Distinct listeners and tracks among them.
    duplicates : int
        Rows left out because an earlier one is equal to them, its time included.
    summed : int
        Rows stored without a time whose listener and track stand in an earlier row too: their
        counts add up.
    skipped : int
        Rows left out because they tell of no play, no skip, and no liking or disliking.
    replaced : int
        Rows of an earlier import of the same file that these have replaced.
    skips, ratings : int
        Rows stored that tell of a skip, and of liking or disliking.
    unknown : int
        Rows left out because they name a file that is not in the catalogue.
    problems : tuple of (str, str)
        Path of each of several files that could not be read, and a line that says why.
    """

    rows: int
    users: int
    tracks: int
    duplicates: int
    summed: int
    skipped: int
    replaced: int
    skips: int = 0
    ratings: int = 0
    unknown: int = 0
    problems: tuple[tuple[str, str], ...] = ()


def import_plays(
    directory: Path,
    file: Path,
    *,
    source: str = "csv",
    neutral: float | None = None,
    paths: Mapping[str, str] | None = None,
) -> ImportReport:
    """Store the listening of a file beside what is stored already.

    The same file imported again (the same path, or the same rows under another path) takes the
    place of its earlier import, so that nothing counts twice; and a folder takes the place of
    what came in the same format from within it.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; made when it is missing.
    file : Path
        The file.
    source : str
        Name of its format in `audiorec.data.importers.IMPORTERS`.
    neutral : float, optional
        The rating between 1 and 5 that is neither liking nor disliking. Without it ratings are
        from -1 to 1.
    paths : mapping of str to str, optional
        Id of each file of the catalogue, by absolute path: for sources that name files.

    Returns
    -------
    report : ImportReport

    Raises
    ------
    DataError
        If the file cannot be used; what is stored stays as it is.
    ParameterError
        If `source` is unknown, or `neutral` impossible.
    ArtifactError
        If what is stored is something else, or from a newer version. Damage is no hindrance: the
        file that is damaged may be the one that is imported again.
    """
    importer = get_importer(source)
    stored = _manifest(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=directory) as aside:
        scratch = Path(aside)
        plays, skipped, problems = importer(file, scratch=scratch, neutral=neutral)
        unknown = 0
        if source in BY_PATH:
            plays, unknown = _by_id(plays, file=file, paths=paths or {})
        part = scratch / "part.parquet"
        read = _write_part(plays, part)
        summary = _summary(part)
        told = _told(part)
        path = str(file.resolve())
        name = f"part-{artifacts.fingerprint(path)[:12]}"
        within = _within(file.resolve(), stored, source=source)
        contents = [artifacts.digest_file(part, digits=digits) for digits in artifacts.DIGESTS]
        same = [
            n
            for n, e in stored.files.items()
            if n == f"{name}.parquet" or n in within or e.digest in contents
        ]
        replaced = sum(stored.extra["parts"][n]["rows"] for n in same)
        entry = artifacts.put_file(directory, f"{name}.parquet", part)
    files = {n: e for n, e in stored.files.items() if n not in same}
    parts = {n: p for n, p in stored.extra.get("parts", {}).items() if n not in same}
    files[f"{name}.parquet"] = entry
    parts[f"{name}.parquet"] = {"file": path, "source": source, **summary}
    artifacts.commit(
        directory,
        kind=KIND,
        files=files,
        config={},
        inputs={},
        extra={"parts": dict(sorted(parts.items()))},
    )
    return ImportReport(
        **summary,
        **told,
        duplicates=read - summary["rows"],
        skipped=skipped,
        replaced=replaced,
        unknown=unknown,
        problems=problems,
    )


def forget_within(directory: Path, folder: Path, *, source: str) -> int:
    """Forget the listening that came in a format from a folder, or from within it.

    Returns
    -------
    rows : int
        How many are gone.

    Raises
    ------
    ArtifactError
        See `import_plays`.
    """
    stored = _manifest(directory)
    gone = _within(folder.resolve(), stored, source=source)
    if not gone:
        return 0
    known: dict[str, dict[str, Any]] = stored.extra["parts"]
    files = {n: e for n, e in stored.files.items() if n not in gone}
    if files:
        parts = {n: p for n, p in known.items() if n not in gone}
        artifacts.commit(
            directory, kind=KIND, files=files, config={}, inputs={}, extra={"parts": parts}
        )
    else:
        (directory / artifacts.MANIFEST).unlink()
        for entry in stored.files.values():
            (directory / entry.file).unlink(missing_ok=True)
    return sum(int(known[name]["rows"]) for name in gone)


def imported_from(directory: Path, *, source: str) -> list[Path]:
    """Files and folders that the stored listening of a source came from, those known of.

    Raises
    ------
    ArtifactError
        See `import_plays`.
    """
    parts = _manifest(directory).extra.get("parts", {}).values()
    return [Path(part["file"]) for part in parts if part["file"] and part["source"] == source]


def _within(folder: Path, stored: Manifest, *, source: str) -> set[str]:
    """Names of the parts that came in a format from a file or folder, or from within it."""
    return {
        name
        for name, part in stored.extra.get("parts", {}).items()
        if part["file"] and part["source"] == source and Path(part["file"]).is_relative_to(folder)
    }


def _by_id(
    plays: pl.LazyFrame, *, file: Path, paths: Mapping[str, str]
) -> tuple[pl.LazyFrame, int]:
    """Rows of files in the catalogue, under the ids of their tracks, and how many are left out.

    A file is known by the path that it was scanned under, or by any other that leads to it.
    """
    named = plays.select(pl.col("track_id").unique()).collect()["track_id"].to_list()
    if any(path not in paths for path in named):
        real = {os.path.realpath(path): id_ for path, id_ in paths.items()}
        others = {path: real.get(os.path.realpath(path)) for path in named}
        paths = {path: id_ for path, id_ in others.items() if id_} | dict(paths)
    ids = pl.LazyFrame(
        {"track_id": list(paths), "id": list(paths.values())},
        schema={"track_id": pl.String, "id": pl.String},
    )
    total = plays.select(pl.len()).collect().item()
    columns = plays.collect_schema().names()
    known = plays.join(ids, on="track_id", how="inner", maintain_order="left")
    known = known.with_columns(track_id=pl.col("id")).select(columns)
    kept = known.select(pl.len()).collect().item()
    if not kept:
        raise DataError(
            f"none of the {total} files that {file} names is in the catalogue; "
            "scan the folder that they lie in first"
        )
    return known, total - kept


def _manifest(directory: Path) -> Manifest:
    """What is stored; an empty manifest where nothing is, one made of the parts if it is torn."""
    if not artifacts.exists(directory):
        return Manifest(KIND)
    try:
        return artifacts.load_manifest(directory, kind=KIND, check="manifest")
    except ArtifactError as error:
        if "make it again" not in str(error):
            raise
        return _recovered(directory)


def _recovered(directory: Path) -> Manifest:
    """A manifest of the parts that are whole, as the digests in their names say.

    Which file a part came from is lost, but for what its name keeps: importing that file again
    takes its place.
    """
    files: dict[str, artifacts.Entry] = {}
    parts: dict[str, dict[str, object]] = {}
    found = directory.glob("part-*.*.parquet")
    for path in sorted(found, key=lambda path: path.stat().st_mtime_ns):
        stem, digits = path.name.split(".")[:2]
        if artifacts.matches(path, digits):
            name, digest = f"{stem}.parquet", artifacts.digest_file(path)
            files[name] = artifacts.Entry(path.name, path.stat().st_size, digest)
            parts[name] = {"file": "", "source": "", **_summary(path)}
    return Manifest(KIND, files=files, extra={"parts": parts})


def _write_part(plays: pl.LazyFrame, part: Path) -> int:
    """Write rows to Parquet without the exact repeats; count the rows that came."""
    whole = part.with_name("whole.parquet")
    sink(plays, whole)
    frame = pl.scan_parquet(whole)
    total, timed = (
        frame.select(pl.len(), pl.col("timestamp").count().alias("timed")).collect().row(0)
    )
    if not timed:
        whole.replace(part)
        return int(total)
    untimed = frame.filter(pl.col("timestamp").is_null())
    once = frame.filter(pl.col("timestamp").is_not_null()).unique(keep="first", maintain_order=True)
    kept = pl.concat([untimed, once]) if timed < total else once
    sink(kept, part)
    whole.unlink()
    return int(total)


def _summary(part: Path) -> dict[str, int]:
    """Counts of a part, as the import report and the manifest keep them."""
    frame = pl.scan_parquet(part)
    rows, users, tracks, untimed = (
        frame.select(
            pl.len(),
            pl.col("user_id").n_unique(),
            pl.col("track_id").n_unique(),
            pl.col("timestamp").null_count().alias("untimed"),
        )
        .collect(engine="streaming")
        .row(0)
    )
    pairs = 0
    if untimed:
        without = frame.filter(pl.col("timestamp").is_null())
        pairs = (
            without.select("user_id", "track_id")
            .unique()
            .select(pl.len())
            .collect(engine="streaming")
            .item()
        )
    return {"rows": rows, "users": users, "tracks": tracks, "summed": untimed - pairs}


def _told(part: Path) -> dict[str, int]:
    """How many rows of a part tell of skips and of ratings."""
    frame = pl.scan_parquet(part)
    has = frame.collect_schema().names()
    tells = {
        "skips": ("skipped", pl.col("skipped") > 0),
        "ratings": ("rating", pl.col("rating") != 0),
    }
    wanted = [rows.sum().alias(name) for name, (column, rows) in tells.items() if column in has]
    if not wanted:
        return {}
    return frame.select(wanted).collect(engine="streaming").row(0, named=True)


def load_plays(directory: Path) -> pl.DataFrame:
    """All stored listening.

    Events that two files both tell of (equal in listener, track, count and time, as in two
    exports of one history) count once; counts without a time add up.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".

    Returns
    -------
    plays : pl.DataFrame
        Columns user_id (str), track_id (str), plays (float64), timestamp (int64 epoch s or null);
        and, where a part has them, skipped (float64 or null) and rating (float64, -1 to 1, or
        null).

    Raises
    ------
    ArtifactError
        If nothing is stored, or it is damaged.
    """
    parts = _parts(directory)
    frame = _read(directory, parts)
    if len(parts) == 1 or frame["timestamp"].null_count() == len(frame):
        return frame
    timed = frame.filter(pl.col("timestamp").is_not_null()).unique(maintain_order=True)
    return pl.concat([frame.filter(pl.col("timestamp").is_null()), timed])


def played_tracks(directory: Path) -> list[str]:
    """Ids of all tracks in the stored listening, ascending; no other column is read.

    Raises
    ------
    ArtifactError
        See `load_plays`.
    """
    ids = _read(directory, _parts(directory), columns=["track_id"], distinct=True)
    return ids["track_id"].sort().to_list()


def _parts(directory: Path) -> list[Path]:
    manifest = artifacts.load_manifest(directory, kind=KIND)
    return [directory / entry.file for _, entry in sorted(manifest.files.items())]


def _read(
    directory: Path,
    parts: Sequence[Path],
    *,
    columns: Sequence[str] | None = None,
    distinct: bool = False,
) -> pl.DataFrame:
    try:
        frame = pl.concat([pl.scan_parquet(part) for part in parts], how="diagonal")
        frame = frame if columns is None else frame.select(columns)
        return (frame.unique() if distinct else frame).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = first_line(error)
        raise ArtifactError(
            f"plays in {directory} cannot be read ({reason}); "
            "remove the directory and run 'audiorec plays FILE' again"
        ) from None


@dataclass(frozen=True, eq=False)
class Interactions:
    """Who played what how often, as a sparse matrix.

    Parameters
    ----------
    user_items : scipy.sparse.csr_matrix [shape=(n_users, n_tracks)], float32, plays
        Below 0 where skips and dislikes outweigh the plays: see `audiorec.data.evidence`.
    users, tracks : IdMap
        Ids of the rows and of the columns.
    users_left_out, tracks_left_out : int
        How many had too little listening to stay.
    """

    user_items: scipy.sparse.csr_matrix
    users: IdMap
    tracks: IdMap
    users_left_out: int = 0
    tracks_left_out: int = 0

    def __post_init__(self) -> None:
        shape = (len(self.users), len(self.tracks))
        if self.user_items.shape != shape:
            raise ParameterError(
                f"user_items of shape {self.user_items.shape} must have that of the ids, {shape}"
            )

    @property
    def n_plays(self) -> float:
        """Plays in all."""
        return float(self.user_items.data.clip(min=0).sum(dtype=np.float64))

    def only_tracks(self, ids: Iterable[str]) -> Interactions:
        """The same listeners with these tracks alone; ids without listening are passed over."""
        wanted = set(ids)
        return self._take_tracks([row for row, id_ in enumerate(self.tracks) if id_ in wanted])

    def without_tracks(self, ids: Iterable[str]) -> Interactions:
        """The same listeners without these tracks."""
        unwanted = set(ids)
        return self._take_tracks([row for row, i in enumerate(self.tracks) if i not in unwanted])

    def only_users(self, ids: Iterable[str]) -> Interactions:
        """The same tracks with these listeners alone; unknown ids are passed over."""
        wanted = set(ids)
        return self._take_users([row for row, id_ in enumerate(self.users) if id_ in wanted])

    def track_listeners(self) -> np.ndarray:
        """Listeners of each track : np.ndarray [shape=(n_tracks,)], int64.

        Those whose skips and dislikes outweigh their plays are not among them.
        """
        return _columns_played(self.user_items)

    def user_tracks(self) -> np.ndarray:
        """Tracks of each listener : np.ndarray [shape=(n_users,)], int64; see above."""
        return _rows_played(self.user_items)

    def heard(self, user_id: str) -> tuple[str, ...]:
        """Tracks that a listener has met with, disliked ones too, in the order of the columns."""
        row = self.users.row(user_id)
        start, stop = self.user_items.indptr[row : row + 2]
        return tuple(self.tracks[int(column)] for column in self.user_items.indices[start:stop])

    def pruned(self, *, min_tracks_per_user: int, min_users_per_track: int) -> Interactions:
        """Leave out who and what has too little listening, until all that stays has enough.

        Leaving out a track takes one from each of its listeners, so both limits are applied in
        turn until nothing changes.
        """
        users, tracks = np.arange(len(self.users)), np.arange(len(self.tracks))
        matrix = self.user_items
        while True:
            enough_users = _rows_played(matrix) >= min_tracks_per_user
            matrix, users = matrix[enough_users], users[enough_users]
            enough = _columns_played(matrix) >= min_users_per_track
            if enough.all():
                break
            matrix, tracks = matrix[:, enough].tocsr(), tracks[enough]
        return Interactions(
            matrix,
            IdMap((self.users[row] for row in users.tolist()), noun="listener"),
            IdMap(self.tracks[row] for row in tracks.tolist()),
            users_left_out=self.users_left_out + len(self.users) - len(users),
            tracks_left_out=self.tracks_left_out + len(self.tracks) - len(tracks),
        )

    def _take_tracks(self, rows: list[int]) -> Interactions:
        matrix = self.user_items[:, np.asarray(rows, dtype=np.int64)].tocsr()
        return replace(self, user_items=matrix, tracks=IdMap(self.tracks[row] for row in rows))

    def _take_users(self, rows: list[int]) -> Interactions:
        matrix = self.user_items[np.asarray(rows, dtype=np.int64)].tocsr()
        users = IdMap((self.users[row] for row in rows), noun="listener")
        return replace(self, user_items=matrix, users=users)


def _rows_played(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
    """Values above 0 in each row : np.ndarray [shape=(n_rows,)], int64."""
    above = np.concatenate([[0], np.cumsum(matrix.data > 0)])
    return np.asarray(np.diff(above[matrix.indptr]))


def _columns_played(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
    """Values above 0 in each column : np.ndarray [shape=(n_columns,)], int64."""
    return np.bincount(matrix.indices[matrix.data > 0], minlength=matrix.shape[1])


def to_interactions(
    frame: pl.DataFrame,
    *,
    min_tracks_per_user: int = 1,
    min_users_per_track: int = 1,
    rating_plays: float = ListeningConfig().rating_plays,
) -> Interactions:
    """Sum plays per listener and track into a sparse matrix.

    Parameters
    ----------
    frame : pl.DataFrame
        Columns user_id, track_id and plays, and optionally skipped and rating.
    min_tracks_per_user, min_users_per_track : int
        Listeners and tracks with fewer are left out, and counted. What only skips and dislikes
        tell of has none, and stays where the limit is 0.
    rating_plays : float
        See `audiorec.data.evidence.net_plays`.

    Returns
    -------
    interactions : Interactions
        Rows and columns in the order of their ids, whatever the order of `frame`.

    Raises
    ------
    DataError
        If nothing stays.
    """
    frame = net_plays(frame, rating_plays=rating_plays)
    users, user_rows = _codes(frame["user_id"])
    tracks, track_rows = _codes(frame["track_id"])
    matrix = scipy.sparse.coo_matrix(
        (frame["plays"].to_numpy(), (user_rows, track_rows)), shape=(len(users), len(tracks))
    ).tocsr()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    everything = Interactions(
        matrix.astype(np.float32), IdMap(users, noun="listener"), IdMap(tracks)
    )
    kept = everything.pruned(
        min_tracks_per_user=min_tracks_per_user, min_users_per_track=min_users_per_track
    )
    if not kept.user_items.nnz:
        raise DataError(
            f"no listener has min_tracks_per_user={min_tracks_per_user} tracks with "
            f"min_users_per_track={min_users_per_track} listeners each, of {len(users)} listeners "
            f"and {len(tracks)} tracks; lower the two, import more plays, or do without them: "
            "'audiorec run pipelines/library.toml'"
        )
    return kept


def _codes(ids: pl.Series) -> tuple[list[str], np.ndarray]:
    """Distinct ids in order, and the rank of each value : np.ndarray [shape=(n,)], int32."""
    names = ids.unique().drop_nulls().sort()
    ordered = pl.Enum(names)
    return names.to_list(), ids.cast(ordered).to_physical().to_numpy().astype(np.int32)
