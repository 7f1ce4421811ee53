"""FAISS structures: building in bounded memory, measuring, searching, changing and storing.

Building uses one thread, since FAISS links an HNSW graph in the arbitrary order of its threads, and
the same vectors have to give the same bytes.

FAISS removes no vector from an HNSW graph, as other links pass through it, and renumbers the rest
when removing one from lists. So removed rows are kept in both, but filtered out of every answer;
`audiorec.index.search` decides when there are enough of them for a rebuild.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import faiss as _faiss
import numpy as np

from audiorec.exceptions import ArtifactError
from audiorec.index.exact import (
    SPARE,
    NeighbourRows,
    SearchVectors,
    rescored,
    search_product,
    spread_rows,
)
from audiorec.index.plan import LISTS_FILE, IndexPlan, Kind, batch_rows, sample_size

# FAISS creates half of its interface at import, invisible to type checkers.
faiss: Any = _faiss

HNSW_CONSTRUCTION = 80
TARGET_RECALL = 0.99
RECALL_K = 10
RECALL_QUERIES = 300  # of each kind
MOVED = 0.2  # as near to them as unseen tracks: measured on synthetic vectors
# Allowed excess of measured recall over the truth: two standard errors of 3,000 neighbours.
RECALL_MARGIN = 0.003
EFFORTS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
PROBES = (1, 2, 4, 6, 8, 12, *EFFORTS, 1536, 2048, 3072, 4096)


class FaissStructure(NamedTuple):
    """A FAISS index with its search parameters.

    Attributes
    ----------
    faiss : faiss.Index
    kind : {"hnsw", "ivf"}
    factory : str
        FAISS's description of it.
    effort : int
        `efSearch` of HNSW, `nprobe` of inverted lists.
    recall : float
        Fraction of the true ten nearest that it finds; see `RecallTrial`.
    imbalance : float
        Of inverted lists: duration of a search relative to even lists; 1 otherwise.
    folder : tempfile.TemporaryDirectory or None
        Folder of the lists until they are stored, if they are on disk.
    """

    faiss: Any
    kind: Kind
    factory: str
    effort: int
    recall: float
    imbalance: float = 1.0
    folder: Any = None

    @property
    def lists(self) -> Path | None:
        """File of inverted lists on disk."""
        if self.kind != "ivf":
            return None
        lists = _lists(self.faiss)
        return Path(lists.filename) if isinstance(lists, faiss.OnDiskInvertedLists) else None


def build(
    vectors: SearchVectors,
    *,
    plan: IndexPlan,
    memory: int,
    folder: Path | None = None,
) -> FaissStructure:
    """Index vectors for search by inner product, a batch at a time.

    Parameters
    ----------
    vectors : SearchVectors
    plan : IndexPlan
        Of kind "hnsw" or "ivf".
    memory : int
        See `make_plan`, bytes.
    folder : Path or None
        Folder of lists that stay on disk; None for the system's temporary directory.

    Returns
    -------
    structure : FaissStructure
        Tuned: its effort is raised until its recall of the true ten nearest is `TARGET_RECALL`.
    """
    with one_thread():
        index = _learn(vectors, plan=plan, memory=memory, n=len(vectors))
        lists = None
        if plan.on_disk:
            lists = _fill_on_disk(index, vectors, memory=memory, folder=folder)
        else:
            _fill(index, vectors, slice(0, len(vectors)), memory=memory)
    structure = FaissStructure(index, plan.kind, plan.factory, 0, 0.0, imbalance(index), lists)
    return tuned(structure, vectors)


def _learn(vectors: SearchVectors, *, plan: IndexPlan, memory: int, n: int) -> Any:
    index = faiss.index_factory(vectors.dim, plan.factory, faiss.METRIC_INNER_PRODUCT)
    lists = 0
    if plan.kind == "hnsw":
        index.hnsw.efConstruction = HNSW_CONSTRUCTION
    else:
        lists = index.nlist
        index.cp.min_points_per_centroid = 1  # tiny lists are intended; no warning
    size = sample_size(n, lists=max(lists, 1024), dim=vectors.dim, memory=memory)
    index.train(vectors[spread_rows(len(vectors), size)])
    return index


def _fill(index: Any, vectors: SearchVectors, rows: slice, *, memory: int, first: int = 0) -> None:
    """Add rows in batches, numbered from `first`."""
    step = batch_rows(vectors.dim, memory=memory)
    for start in range(rows.start, rows.stop, step):
        some = vectors[start : min(start + step, rows.stop)]
        if isinstance(index, faiss.IndexIVF):
            numbers = np.arange(len(some), dtype=np.int64) + first + start
            index.add_with_ids(some, numbers)
        else:
            index.add(some)


def _fill_on_disk(index: Any, vectors: SearchVectors, *, memory: int, folder: Path | None) -> Any:
    """Fill `index` in parts, each written to disk, and merge them into lists on disk."""
    work = tempfile.TemporaryDirectory(prefix="audiorec-lists-", dir=folder)
    part_rows = max(batch_rows(vectors.dim, memory=memory), memory // 2 // (vectors.dim + 16))
    files = []
    for start in range(0, len(vectors), part_rows):
        part = faiss.clone_index(index)
        _fill(part, vectors, slice(start, min(start + part_rows, len(vectors))), memory=memory)
        files.append(Path(work.name) / f"{start}.faiss")
        _write(part, files[-1])
    parts = [faiss.read_index(str(file), faiss.IO_FLAG_MMAP) for file in files]
    merge_on_disk(index, parts, into=Path(work.name) / LISTS_FILE)
    for file in files:
        file.unlink()
    return work


def merge_on_disk(index: Any, parts: Sequence[Any], *, into: Path) -> None:
    """Merge parts into an empty `index`, with its lists in the file `into`.

    FAISS has a function for it, which prints on stdout; the file here has the same layout.

    Parameters
    ----------
    index : faiss.IndexIVF
        Trained as all parts were.
    parts : sequence of faiss.IndexIVF
        Built upon it; copied a list at a time.
    into : Path
    """
    sizes = np.zeros(index.nlist, dtype=np.uint64)
    with into.open("wb") as stream:
        for number in range(index.nlist):
            ids = []
            for part in parts:
                if size := part.invlists.list_size(number):
                    codes = part.invlists.get_codes(number)
                    stream.write(faiss.rev_swig_ptr(codes, size * index.code_size).data)
                    ids.append(faiss.rev_swig_ptr(part.invlists.get_ids(number), size))
                    sizes[number] += size
            for some in ids:
                stream.write(some.data)
    lists = faiss.OnDiskInvertedLists(index.nlist, index.code_size, str(into))
    lists.set_all_lists_sizes(faiss.swig_ptr(sizes))
    lists.totsize = into.stat().st_size
    _map(lists)
    index.replace_invlists(lists, True)
    lists.this.disown()
    index.ntotal = sum(part.ntotal for part in parts)


def _map(lists: Any) -> None:
    lists.read_only = True
    if lists.totsize:
        lists.do_mmap()


def with_added_vectors(
    structure: FaissStructure,
    added: SearchVectors,
    *,
    n_rows: int,
    memory: int,
    folder: Path | None = None,
) -> FaissStructure:
    """Add vectors to a structure, without training or linking it anew.

    Parameters
    ----------
    structure : FaissStructure
        A writable one; it is changed, unless its lists are on disk.
    added : SearchVectors
    n_rows : int
        Its current number of rows.
    memory, folder
        See `build`.
    """
    index = structure.faiss
    with one_thread():
        if structure.lists is None:
            _fill(index, added, slice(0, len(added)), memory=memory, first=n_rows)
            return structure._replace(imbalance=imbalance(index))
        # Lists on disk belong to an artifact: a new file is made of them and the new ones.
        work = tempfile.TemporaryDirectory(prefix="audiorec-lists-", dir=folder)
        whole, part = _without_vectors(index), _without_vectors(index)
        _fill(part, added, slice(0, len(added)), memory=memory, first=n_rows)
        merge_on_disk(whole, [index, part], into=Path(work.name) / LISTS_FILE)
    return structure._replace(faiss=whole, imbalance=imbalance(whole), folder=work)


def _without_vectors(index: Any) -> Any:
    """Empty lists on disk, ready to add vectors."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lists.faiss"
        _write(index, path)
        empty = faiss.read_index(str(path), faiss.IO_FLAG_SKIP_IVF_DATA)
    lists = faiss.ArrayInvertedLists(empty.nlist, empty.code_size)
    empty.replace_invlists(lists, True)
    lists.this.disown()
    empty.ntotal = 0
    return empty


def search(
    structure: FaissStructure, queries: np.ndarray, *, k: int, allowed: np.ndarray | None = None
) -> NeighbourRows:
    """Search a structure; missing neighbours have row -1.

    Parameters
    ----------
    structure : FaissStructure
    queries : np.ndarray [shape=(n_queries, d)], float32
    k : int
    allowed : np.ndarray [shape=(n,)], bool, or None
    """
    settings: dict[str, Any] = {}
    if allowed is not None:
        settings["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if structure.kind == "hnsw":
        params = faiss.SearchParametersHNSW(efSearch=max(structure.effort, k), **settings)
    else:
        params = faiss.SearchParametersIVF(nprobe=structure.effort, **settings)
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    scores, rows = structure.faiss.search(queries, k, params=params)
    return NeighbourRows(rows, scores)


def write(structure: FaissStructure, path: Path) -> None:
    """Write the FAISS index to a file, without lists in a file of their own."""
    where = structure.lists
    if where is not None:
        _lists(structure.faiss).filename = ""  # the same bytes in any folder
    try:
        _write(structure.faiss, path)
    finally:
        if where is not None:
            _lists(structure.faiss).filename = str(where)


def _write(index: Any, path: Path) -> None:
    # By Python's own stream: FAISS's only prints that the disk is full when it closes a file.
    with path.open("wb") as stream:
        faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write))


def read(path: Path, *, lists: Path | None = None, writable: Literal["yes", "no"] = "no") -> Any:
    """Read a FAISS index, memory-mapped if this FAISS can, unless it will be changed.

    Parameters
    ----------
    path : Path
    lists : Path or None
        File of its inverted lists, if they have one.
    writable : {"yes", "no"}
    """
    mapped = getattr(faiss, "IO_FLAG_MMAP_IFC", 0)  # FAISS 1.11 and later
    flags = faiss.IO_FLAG_SKIP_IVF_DATA if lists else 0 if writable == "yes" else mapped
    try:
        index = faiss.read_index(str(path), flags)
        if lists:
            on_disk = _lists(index)
            on_disk.filename = str(lists)
            _map(on_disk)
    except RuntimeError:
        raise ArtifactError(
            f"{path} is damaged or of another FAISS; run 'audiorec index' to make it again"
        ) from None
    return index


def _lists(index: Any) -> Any:
    return faiss.downcast_InvertedLists(index.invlists)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep FAISS on one thread, so that its builds do not depend on timing."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def imbalance(index: Any) -> float:
    """Measure the imbalance of inverted lists: 1 if all are equally long, more if some dominate."""
    if not isinstance(index, faiss.IndexIVF) or not index.ntotal:
        return 1.0
    return round(float(index.invlists.imbalance_factor()), 4)


class RecallTrial:
    """Queries to an index with their true neighbours, to measure recall.

    Half of them are vectors of the index. A graph or a list finds its own vectors easily, so that
    half are vectors that it does not have: its own, shifted by a fraction of the difference of two
    others.

    Parameters
    ----------
    vectors : SearchVectors
    allowed : np.ndarray [shape=(n,)], bool, or None
        Rows that are not deleted; None for all.
    """

    def __init__(self, vectors: SearchVectors, allowed: np.ndarray | None = None) -> None:
        alive = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
        chosen = spread_rows(len(alive), RECALL_QUERIES)
        self._vectors, self._allowed = vectors, allowed
        own = vectors[alive[chosen]]
        rng = np.random.default_rng(0)
        between = own[rng.permutation(len(own))] - own[rng.permutation(len(own))]
        self._queries = np.concatenate([own, own + MOVED * between])
        self._own = np.concatenate([alive[chosen], np.full(len(own), -1)])  # finds itself
        self._k = min(RECALL_K + 1, len(alive))
        self._truth = search_product(
            self._queries, vectors=vectors, k=self._k, allowed=allowed
        ).rows
        self._spare = min(self._k + SPARE, len(alive))  # as in `Index.search`

    def recall(self, structure: FaissStructure) -> float:
        """Recall of a structure of the true ten nearest, in the half where it is lower."""
        if self._k < 2:
            return 1.0
        rows = search(structure, self._queries, k=self._spare, allowed=self._allowed).rows
        rows = rescored(rows, self._queries, vectors=self._vectors).rows[:, : self._k]
        shares = []
        for row, truth, answer in zip(self._own, self._truth, rows, strict=True):
            others = [place for place in truth.tolist() if place != row][:RECALL_K]
            shares.append(len(set(others) & set(answer.tolist())) / len(others))
        half = len(shares) // 2
        return round(float(min(np.mean(shares[:half]), np.mean(shares[half:]))), 4)


def tuned(
    structure: FaissStructure, vectors: SearchVectors, *, allowed: np.ndarray | None = None
) -> FaissStructure:
    """Set the least effort that reaches the target recall, as far as possible."""
    trial = RecallTrial(vectors, allowed)
    efforts = EFFORTS if structure.kind == "hnsw" else PROBES
    most = len(vectors) if structure.kind == "hnsw" else structure.faiss.nlist
    for effort in sorted({min(effort, most) for effort in efforts}):
        structure = structure._replace(effort=effort)
        structure = structure._replace(recall=trial.recall(structure))
        if structure.recall >= min(1.0, TARGET_RECALL + RECALL_MARGIN):
            break
    return structure
