"""Which structure serves how many vectors in how much memory: the arithmetic, without FAISS.

The choice follows FAISS's "Guidelines to choose an index". Exact search reads the vectors as they
lie on disk, memory-mapped, and is the fastest there is for one question until there are many
vectors. HNSW (Malkov & Yashunin 2018) is the fastest at high recall while its links fit in memory;
inverted lists, which need none, serve beyond, and lie on disk where even they do not fit. Both
keep a byte per dimension: what they find is scored again by the vectors themselves.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["exact", "hnsw", "ivf"]

EXACT_BELOW = 500_000  # vectors: exact search is fast enough, and finds all
HNSW_LINKS = 32
# A node's links on the ground floor are 2 M numbers of 4 bytes; the floors above add a 32nd of it.
LINK_BYTES = 2 * HNSW_LINKS * 4 * (1 + 1 / HNSW_LINKS)
ROW_BYTES = 12  # a row's number in a list, or a node's floor and place
# FAISS asks for 39 training vectors per centroid at least, and uses 256 at most.
TRAINING_PER_LIST = 39
SAMPLE_PER_LIST = 64
MAX_LISTS = 65_536
# From so many lists on, the nearest ones are found by a graph over them.
MANY_LISTS = 16_384
LISTS_FILE = "lists.ivfdata"  # where lists on disk lie, beside the structure


class IndexPlan(NamedTuple):
    """What to build.

    Attributes
    ----------
    kind : {"exact", "hnsw", "ivf"}
    factory : str
        FAISS's description of it; empty where there is nothing to build.
    on_disk : bool
        Whether its inverted lists stay on disk, being too large for the memory given.
    """

    kind: Kind
    factory: str
    on_disk: bool


def make_plan(
    n: int, dim: int, *, kind: str, memory: int, exact_below: int | None = None
) -> IndexPlan:
    """The structure for so many vectors: the one that `kind` names, or the best that fits.

    Parameters
    ----------
    n, dim : int
        Vectors, and dimensions of each.
    kind : {"auto", "exact", "hnsw", "ivf"}
    memory : int
        What the structure may take, bytes, while it is built and while it is asked. Vectors that
        are memory-mapped are not counted: the system takes their pages back when it needs them.
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
    """Memory that a structure takes, bytes; an exact one takes none."""
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
    """Vectors to learn the lists from: 64 each, fewer where memory is short, at least 39 each."""
    room = int(memory / 2 / (4 * dim))
    return min(n, max(min(SAMPLE_PER_LIST * lists, room), TRAINING_PER_LIST * lists))


def batch_rows(dim: int, *, memory: int) -> int:
    """Rows to take in at once so that they, and what is made of them, fill a quarter of memory."""
    return int(min(65_536, max(256, memory / 4 / (8 * dim))))
