"""Which FAISS structure serves how many vectors, how it is built, and how it is asked.

The choice follows FAISS's "Guidelines to choose an index": a flat index where results must be
exact and the vectors are few; HNSW, the fastest at high recall, while its links fit in memory;
inverted lists beyond. Building runs on one thread, since FAISS links an HNSW graph in whatever
order its threads come, and the same vectors have to make the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import faiss as _faiss
import numpy as np

from audiorec.exceptions import ArtifactError
from audiorec.index.exact import Rows, search_product

Kind = Literal["exact", "hnsw", "ivf"]

# FAISS makes half of its interface when it is loaded, where no type checker sees it.
faiss: Any = _faiss

HNSW_BELOW = 1_000_000
HNSW_LINKS = 32
HNSW_CONSTRUCTION = 80
TARGET_RECALL = 0.97
RECALL_K = 10
RECALL_QUERIES = 200
MAX_EFFORT = 1024
# FAISS asks for 39 training vectors per centroid at least, and uses 256 at most.
TRAINING_PER_LIST = 39
MAX_LISTS = 65_536


class Structure(NamedTuple):
    """A FAISS index with what it takes to ask it well.

    Attributes
    ----------
    faiss : faiss.Index
    kind : {"exact", "hnsw", "ivf"}
    effort : int
        `efSearch` of HNSW, `nprobe` of inverted lists; 0 where it is exact.
    recall : float
        Share of the true ten nearest that it finds, measured on its own vectors when built.
    """

    faiss: Any
    kind: Kind
    effort: int
    recall: float


def choose_kind(n: int, *, kind: str, exact_below: int) -> Kind:
    """The structure for `n` vectors: the one that `kind` names, or by size when it is "auto"."""
    if kind != "auto":
        return kind  # type: ignore[return-value]
    if n < exact_below:
        return "exact"
    return "hnsw" if n < HNSW_BELOW else "ivf"


def count_lists(n: int) -> int:
    """Inverted lists for `n` vectors: 8 * sqrt(n), the middle of FAISS's 4 to 16.

    Limited to what `n` vectors can train, and to the 65,536 that FAISS advises up to ten million.
    """
    return max(1, min(int(8 * n**0.5), n // TRAINING_PER_LIST, MAX_LISTS))


def build(vectors: np.ndarray, *, kind: Kind) -> Structure:
    """Index vectors for search by inner product.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
    kind : {"exact", "hnsw", "ivf"}

    Returns
    -------
    structure : Structure
        An approximate one is tuned: its effort is doubled until it finds `TARGET_RECALL` of the
        true ten nearest, or `MAX_EFFORT` is reached.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    n, dim = vectors.shape
    if kind == "exact" or n == 0:
        index = faiss.IndexFlatIP(dim)
        index.add(vectors)
        return Structure(index, "exact", 0, 1.0)
    with one_thread():
        if kind == "hnsw":
            index = faiss.IndexHNSWFlat(dim, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = HNSW_CONSTRUCTION
        else:
            # A flat quantizer: at these few dimensions 65,536 centroids cost a millisecond.
            quantizer = faiss.IndexFlatIP(dim)
            index = faiss.IndexIVFFlat(quantizer, dim, count_lists(n), faiss.METRIC_INNER_PRODUCT)
            index.cp.min_points_per_centroid = 1  # tiny lists are the caller's wish; no warning
            index.train(vectors)
        index.add(vectors)
    return _tuned(index, kind, vectors)


def search(
    structure: Structure, queries: np.ndarray, *, k: int, allowed: np.ndarray | None = None
) -> Rows:
    """Ask a structure; a row of -1 stands where an approximate one found too few.

    Parameters
    ----------
    structure : Structure
    queries : np.ndarray [shape=(n_queries, d)], float32
    k : int
    allowed : np.ndarray [shape=(n,)], bool, or None
    """
    settings: dict[str, Any] = {}
    if allowed is not None:
        settings["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if structure.kind == "hnsw":
        params = faiss.SearchParametersHNSW(efSearch=max(structure.effort, k), **settings)
    elif structure.kind == "ivf":
        params = faiss.SearchParametersIVF(nprobe=structure.effort, **settings)
    else:
        params = faiss.SearchParameters(**settings) if settings else None
    scores, rows = structure.faiss.search(np.ascontiguousarray(queries), k, params=params)
    return Rows(rows, scores)


def write(structure: Structure, path: Path) -> None:
    """Write the FAISS index to a file."""
    faiss.write_index(structure.faiss, str(path))


def read(path: Path, *, writable: Literal["yes", "no"] = "no") -> Any:
    """Read a FAISS index, memory-mapped where this FAISS can, unless it is to be added to."""
    mapped = getattr(faiss, "IO_FLAG_MMAP_IFC", 0)  # FAISS 1.11 and later
    try:
        return faiss.read_index(str(path), 0 if writable == "yes" else mapped)
    except RuntimeError:
        raise ArtifactError(
            f"{path} is damaged or of another FAISS; run 'audiorec index' to make it again"
        ) from None


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep FAISS on one thread, so that what it builds does not hang on their timing."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def measure_recall(structure: Structure, vectors: np.ndarray) -> float:
    """Share of the true ten nearest found, for vectors spread evenly over the indexed ones."""
    k = min(RECALL_K, len(vectors))
    asked = np.unique(np.linspace(0, len(vectors) - 1, RECALL_QUERIES).astype(np.int64))
    queries = np.ascontiguousarray(vectors[asked])
    truth = search_product(queries, vectors=vectors, k=k).rows
    found = search(structure, queries, k=k).rows
    hits = sum(len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True))
    return float(hits / truth.size)


def _tuned(index: Any, kind: Kind, vectors: np.ndarray) -> Structure:
    limit = MAX_EFFORT if kind == "hnsw" else index.nlist
    effort = min(64 if kind == "hnsw" else 8, limit)
    while True:
        structure = Structure(index, kind, effort, 0.0)
        recall = measure_recall(structure, vectors)
        if recall >= TARGET_RECALL or effort >= limit:
            return structure._replace(recall=round(recall, 4))
        effort = min(2 * effort, limit)
