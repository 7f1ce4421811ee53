"""Import of embeddings computed elsewhere, the counterpart of export."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import Catalog, Track
from audiorec.data.strict_csv import read_table
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError, WorkspaceError, data_error, system_reason
from audiorec.id_map import id_problem
from audiorec.index import Index, IndexConfig, build_index
from audiorec.index.exact import row_norms
from audiorec.workspace import Workspace

# Imports in functions: polars, only to import vectors: answers start without it.

DETAILS = ("path", "artist", "title", "album", "year", "genre")
# Artifacts of a workspace whose vectors were computed from music.
OWN = ("plays", "mels", "factors", "model", "head")
ASIDE = ".import-"
LONGEST = 1e15  # of a vector: the squares of longer ones exceed single precision


class ImportedVectors(NamedTuple):
    """Counts of imported vectors, and the kind of their index.

    Attributes
    ----------
    vectors, dim : int
        Number of vectors, and of their dimensions.
    named : int
        Number of tracks in the table of tracks.
    passed_over : int
        Number of rows of that table without a vector.
    kind : str
        Structure of the index: "exact", "hnsw" or "ivf".
    """

    vectors: int
    dim: int
    named: int
    passed_over: int
    kind: str


def import_embeddings(
    workspace: Workspace,
    file: Path,
    *,
    tracks: Path | None = None,
    replace: bool = False,
    config: IndexConfig | None = None,
) -> ImportedVectors:
    """Import the vectors of a Parquet file into a workspace of their own.

    Parameters
    ----------
    workspace : Workspace
        A new one, or one that was at most scanned.
    file : Path
        Columns ``track_id`` and ``vector``, a list of numbers, as written by ``audiorec export``.
    tracks : Path or None
        CSV in UTF-8 with the column ``track_id`` and any of ``path`` (relative to the file),
        ``artist``, ``title``, ``album``, ``year`` and ``genre``. Without it, tracks have only ids.
    replace : bool
        Whether to replace vectors imported before, and their tracks.
    config : IndexConfig or None

    Raises
    ------
    DataError
        If a file cannot be read or is invalid; the workspace is then unchanged.
    WorkspaceError
        If the workspace has vectors already, or music of its own.
    """
    embeddings = read_vectors(file)
    details = {} if tracks is None else read_details(tracks)
    _check_room(workspace, embeddings, replace=replace)
    rows = [track for track_id, track in details.items() if track_id in embeddings]
    with workspace.writing():
        _check_room(workspace, embeddings, replace=replace)
        # All large files are written beside the existing ones; then only names change.
        with tempfile.TemporaryDirectory(prefix=ASIDE, dir=workspace.root) as aside:
            new = Path(aside)
            embeddings.save(new / "embeddings", extra={"imported": file.name})
            index = _build(workspace, new / "embeddings", new / "index", config=config)
            with Catalog(workspace.catalog) as catalog:
                with_audio = {track.track_id for track in catalog.tracks() if track.clip_hash}
                catalog.upsert([track for track in rows if track.track_id not in with_audio])
            artifacts.move_into_place(new / "embeddings", workspace.embeddings, kind="embeddings")
            artifacts.move_into_place(new / "index", workspace.index, kind="index")
        _forget_all_but(embeddings.ids, workspace)
    return ImportedVectors(
        len(embeddings), embeddings.dim, len(rows), len(details) - len(rows), index.kind
    )


def index_imported(workspace: Workspace, *, config: IndexConfig) -> str | None:
    """Finish an import: build the index unless it is complete and current; drop other tracks.

    Returns
    -------
    summary : str or None
        None if there was nothing to do.
    """
    vectors = artifacts.load_manifest(workspace.embeddings, kind="embeddings")
    inputs = {"embeddings": vectors.fingerprint}
    summary = None
    if not artifacts.is_fresh(workspace.index, kind="index", inputs=inputs):
        index = _build(workspace, workspace.embeddings, workspace.index, config=config)
        summary = f"{len(index)} imported vectors, {index.kind}"
    _forget_all_but(Embeddings.load(workspace.embeddings).ids, workspace)
    return summary


def _forget_all_but(track_ids: Sequence[str], workspace: Workspace) -> None:
    """Remove tracks from the catalogue whose vectors were replaced; scanned ones are kept."""
    with Catalog(workspace.catalog, read_only=True) as catalog:
        removed = catalog.without_audio().difference(track_ids)
    if removed:
        with Catalog(workspace.catalog) as catalog:
            catalog.remove(sorted(removed))


def _build(
    workspace: Workspace, vectors: Path, place: Path, *, config: IndexConfig | None
) -> Index:
    """Index the vectors of an artifact, and store the index as another."""
    manifest = artifacts.load_manifest(vectors, kind="embeddings")
    embeddings = Embeddings.load(vectors)
    index = build_index(embeddings, config=config or IndexConfig(), work=workspace.root)
    index.save(
        place,
        inputs={"embeddings": manifest.fingerprint},
        extra={"played": 0, "mean_norm": float(row_norms(embeddings.vectors).mean())},
    )
    return index


def _is_unfinished(workspace: Workspace, embeddings: Embeddings) -> bool:
    """Whether these very vectors are stored without an index of them."""
    vectors = artifacts.load_valid(workspace.embeddings, kind="embeddings")
    index = artifacts.load_valid(workspace.index, kind="index")
    if vectors is None or (
        index is not None and index.inputs == {"embeddings": vectors.fingerprint}
    ):
        return False
    stored = Embeddings.load(workspace.embeddings)
    return stored.ids == embeddings.ids and np.array_equal(stored.vectors, embeddings.vectors)


def read_vectors(file: Path) -> Embeddings:
    """Read ids and vectors of a Parquet file, in the order of the ids.

    Raises
    ------
    DataError
        If it cannot be read, lacks a column or rows, an id is repeated or missing, or vectors
        differ in length or are not finite.

    Examples
    --------
    >>> import polars as pl
    >>> vectors = {"track_id": ["b", "a"], "vector": [[1.0, 0.0], [0.0, 1.0]]}
    >>> pl.DataFrame(vectors).write_parquet("vectors.parquet")
    >>> read_vectors(Path("vectors.parquet")).ids
    ('a', 'b')
    """
    import polars as pl

    if file.exists() and not file.is_file():  # a pipe could block forever
        raise data_error(file, "is no regular file", "copy it into one")
    try:
        schema = dict(pl.read_parquet_schema(file))
        missing = [column for column in ("track_id", "vector") if column not in schema]
        if missing:
            raise data_error(
                file,
                f"lacks the column {missing[0]}: it has {', '.join(schema) or 'none'}",
                "name them track_id and vector",
            )
        frame = pl.read_parquet(file, columns=["track_id", "vector"])
    except OSError as error:
        reason = system_reason(error).lower()
        raise data_error(file, f"cannot be opened: {reason}", "check the path") from None
    except pl.exceptions.PolarsError as error:
        raise data_error(file, f"is not Parquet ({error})", "write it as 'export' does") from None
    if not len(frame):
        raise data_error(file, "has no rows", "give a vector for every track")
    ids = _ids(file, frame["track_id"])
    vectors = _matrix(file, frame["vector"], ids)
    order = np.argsort(np.array(ids, dtype=np.str_), kind="stable")
    try:
        return Embeddings([ids[row] for row in order], vectors[order])
    except ParameterError as error:
        raise data_error(file, f"cannot be used: {error}", "correct it there") from None


def read_details(tracks: Path) -> dict[str, Track]:
    """Read a table of tracks, by their ids; see `import_embeddings`.

    Raises
    ------
    DataError
        If it cannot be read, lacks the column or rows, a line is truncated, or an id or a path is
        repeated.
    """
    rows = read_table(tracks, required_columns=("track_id",), optional_columns=DETAILS)
    by_id: dict[str, Track] = {}
    paths: set[str] = set()
    for line, row in rows:
        if problem := id_problem(row["track_id"].strip()):
            what, _, remedy = problem.partition("; ")
            raise data_error(tracks, f"has track_id {what} in line {line}", remedy)
        track = _track_of(tracks, line, {key: value.strip() for key, value in row.items()})
        if track.track_id in by_id:
            raise data_error(
                tracks, f"has track_id {track.track_id!r} twice, again in line {line}", "remove one"
            )
        if track.path in paths:
            raise data_error(
                tracks, f"names {track.path!r} twice, again in line {line}", "remove one"
            )
        paths.add(track.path)
        by_id[track.track_id] = track
    return by_id


def _track_of(tracks: Path, line: int, values: Mapping[str, str]) -> Track:
    if not values["track_id"]:
        raise data_error(tracks, f"has no track_id in line {line}", "fill it in")
    year, path = values["year"], values["path"]
    if year and not year[:4].isdecimal():
        raise data_error(
            tracks, f"has year {year!r} in line {line}", "give four digits, or nothing"
        )
    # Every track of the catalogue has a path; a track without one has its id.
    path = str((tracks.parent / path).absolute()) if path else values["track_id"]
    return Track(
        values["track_id"],
        path,
        artist=values["artist"],
        title=values["title"],
        album=values["album"],
        genre=values["genre"],
        year=int(year[:4]) if year else None,
    )


def _check_room(workspace: Workspace, embeddings: Embeddings, *, replace: bool) -> None:
    """Raise an error if vectors would be lost: made from music, or by a newer version."""
    own = [kind for kind in OWN if artifacts.exists(workspace.root / kind)]
    if own:
        raise WorkspaceError(
            f"workspace {workspace.root} computes vectors from music of its own (it has "
            f"{', '.join(own)}); import into another one, named with --workspace"
        )
    stands = [k for k in ("embeddings", "index") if artifacts.exists(workspace.root / k)]
    for kind in stands:
        artifacts.load_valid(workspace.root / kind, kind=kind)
    if stands and not replace and not _is_unfinished(workspace, embeddings):
        raise WorkspaceError(
            f"workspace {workspace.root} holds imported vectors already; add --replace to put "
            "these in their place, or name another one with --workspace"
        )


def _ids(file: Path, column: Any) -> list[str]:
    import polars as pl

    if not (column.dtype == pl.String or column.dtype.is_integer()):
        raise data_error(
            file, f"has track_id of type {column.dtype}", "make them text or whole numbers"
        )
    if column.null_count():
        row = int(column.is_null().arg_max())
        raise data_error(
            file, f"has no track_id in row {row + 1}", "fill it in, or leave the row out"
        )
    ids: list[str] = column.cast(pl.String).to_list()
    empty = next((row for row, id_ in enumerate(ids) if not id_), None)
    if empty is not None:
        raise data_error(
            file, f"has an empty track_id in row {empty + 1}", "fill it in, or leave the row out"
        )
    for row, id_ in enumerate(ids):
        if problem := id_problem(id_):
            what, _, remedy = problem.partition("; ")
            raise data_error(file, f"has track_id {what} in row {row + 1}", remedy)
    return ids


def _matrix(file: Path, column: Any, ids: list[str]) -> np.ndarray:
    import polars as pl

    inner = getattr(column.dtype, "inner", None)
    if inner is None or not inner.is_numeric():
        raise data_error(file, f"has vectors of type {column.dtype}", "make them lists of numbers")
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    sizes = column.list.len().fill_null(0).to_numpy()
    dim = int(np.bincount(sizes[sizes > 0], minlength=1).argmax())
    odd = np.flatnonzero((sizes != dim) | (sizes == 0))
    if len(odd):
        row = int(odd[0])
        what = f"has a vector of {sizes[row]} dimensions for {ids[row]!r}"
        raise data_error(
            file,
            f"{what}, and of {dim} for most others" if dim else what,
            "make all of the same network",
        )
    values = column.explode().cast(pl.Float32).to_numpy()
    matrix = np.asarray(values, dtype=np.float32).reshape(len(ids), dim)
    largest = np.abs(matrix).max(axis=1)
    if len(far := np.flatnonzero((largest > LONGEST) & np.isfinite(largest))):
        row = int(far[0])
        what = f"has a number as large as {largest[row]:.0e} in the vector of {ids[row]!r}"
        raise data_error(file, what, "scale all vectors down alike")
    return matrix
