"""Choice of the index structure by the number of vectors and the memory, without FAISS.

The choice follows FAISS's "Guidelines to choose an index". Exact search reads the memory-mapped
vectors on disk, and is the fastest for a single query up to very many vectors. HNSW (Malkov &
Yashunin 2018) is the fastest at high recall while its links fit in memory; inverted lists, which
have none, are used beyond, and are kept on disk where even they do not fit. Both store a byte per
dimension: their candidates are scored again by the vectors themselves.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["exact", "hnsw", "ivf"]

EXACT_BELOW = 500_000  # vectors: exact search is fast enough, and finds all neighbours
HNSW_LINKS = 32
# A node's links on the lowest level are 2 M numbers of 4 bytes; the higher levels add a 32nd of it.
LINK_BYTES = 2 * HNSW_LINKS * 4 * (1 + 1 / HNSW_LINKS)
ROW_BYTES = 12  # a row's number in a list, or a node's level and position
# FAISS requires 39 training vectors per centroid at least, and uses 256 at most.
TRAINING_PER_LIST = 39
SAMPLE_PER_LIST = 64
MAX_LISTS = 65_536
# With this many lists, the nearest ones are found by a graph over them.
MANY_LISTS = 16_384
LISTS_FILE = "lists.ivfdata"  # file of lists on disk, beside the structure


class IndexPlan(NamedTuple):
    """Structure of an index to build.

    Attributes
    ----------
    kind : {"exact", "hnsw", "ivf"}
    factory : str
        FAISS's description of it; empty for an exact index.
    on_disk : bool
        Whether its inverted lists stay on disk, being too large for the memory.
    """

    kind: Kind
    factory: str
    on_disk: bool


def make_plan(
    n: int, dim: int, *, kind: str, memory: int, exact_below: int | None = None
) -> IndexPlan:
    """Choose the structure for a number of vectors: by `kind`, or the best that fits.

    Parameters
    ----------
    n, dim : int
        Vectors, and dimensions of each.
    kind : {"auto", "exact", "hnsw", "ivf"}
    memory : int
        Memory of the structure, bytes, while it is built and searched. Memory-mapped vectors
        are not counted: the system reclaims their pages when needed.
    exact_below : int or None
        With "auto", fewer vectors are searched exactly; None for `EXACT_BELOW`.
    """
    if kind == "auto":
        fits = structure_bytes("hnsw", n, dim) <= memory
        exact_below = EXACT_BELOW if exact_below is None else exact_below
        kind = "exact" if n < exact_below else "hnsw" if fits else "ivf"
    if kind == "exact" or n == 0:
        return IndexPlan("exact", "", on_disk=False)
    if kind == "hnsw":
        return IndexPlan("hnsw", f"HNSW{HNSW_LINKS},SQ8", on_disk=False)
    lists = count_lists(n)
    coarse = f"IVF{lists}_HNSW{HNSW_LINKS}" if lists >= MANY_LISTS else f"IVF{lists}"
    return IndexPlan("ivf", f"{coarse},SQ8", on_disk=structure_bytes("ivf", n, dim) > memory)


def structure_bytes(kind: Kind, n: int, dim: int) -> int:
    """Memory of a structure, bytes; 0 for an exact one."""
    if kind == "exact":
        return 0
    per_row = dim + ROW_BYTES + (LINK_BYTES if kind == "hnsw" else 0)
    centroids = count_lists(n) * (4 * dim + LINK_BYTES) if kind == "ivf" else 0
    return int(n * per_row + centroids)


def count_lists(n: int) -> int:
    """Inverted lists for `n` vectors: 8 * sqrt(n), the middle of FAISS's 4 to 16.

    Limited to what `n` vectors can train, and to the 65,536 that FAISS advises up to ten million.
    """
    return max(1, min(int(8 * n**0.5), n // TRAINING_PER_LIST, MAX_LISTS))


def sample_size(n: int, *, lists: int, dim: int, memory: int) -> int:
    """Vectors to train the lists on: 64 each, fewer if memory is short, at least 39 each."""
    room = int(memory / 2 / (4 * dim))
    return min(n, max(min(SAMPLE_PER_LIST * lists, room), TRAINING_PER_LIST * lists))


def batch_rows(dim: int, *, memory: int) -> int:
    """Rows per batch such that they, and data computed from them, fill a quarter of memory."""
    return int(min(65_536, max(256, memory / 4 / (8 * dim))))
