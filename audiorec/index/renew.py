"""Renewal of an index: updated in place after small changes, else built anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, NewerError
from audiorec.index.build import build_index
from audiorec.index.exact import BLOCK
from audiorec.index.plan import make_plan
from audiorec.index.vector_index import Index

if TYPE_CHECKING:
    from audiorec.index.config import IndexConfig

# With more than this fraction of vectors added, removed or changed it is built anew.
MAX_CHANGED = 0.1


def renew_index(
    directory: Path, embeddings: Embeddings, *, config: IndexConfig, **how: Any
) -> Index:
    """Index vectors, starting from an existing index if few of them are new to it.

    An exact index is always built anew, which costs no more than reading the vectors. So is one
    that has drifted since it was built: see `Index.drift`.

    Parameters
    ----------
    directory : Path
        Folder of an index that may exist; it is not changed.
    embeddings : Embeddings
        All vectors of the index.
    config : IndexConfig
    **how
        See `build_index`.
    """
    plan = make_plan(
        len(embeddings),
        embeddings.dim,
        kind=config.kind,
        memory=config.memory_bytes,
    )
    if plan.kind != "exact" and config.hubs == "none":
        try:
            index = Index.load(directory)
        except NewerError:
            raise
        except ArtifactError:
            index = None  # missing or damaged: built anew below
        if (
            index is not None
            and index.config == config
            and index.kind == plan.kind
            and index.dim == embeddings.dim
            and _update_in_place(index, embeddings)
            and not index.drift().rebuild_reason
        ):
            return index
    return build_index(embeddings, config=config, **how)


def _update_in_place(index: Index, embeddings: Embeddings) -> bool:
    """Update the index to these vectors; return False if too many differ."""
    held = index.embeddings()
    gone = [id_ for id_ in held.ids if id_ not in embeddings]
    ids = [id_ for id_ in embeddings.ids if id_ in held]
    moved = [id_ for id_ in embeddings.ids if id_ not in held]
    for start in range(0, len(ids), BLOCK):
        some = ids[start : start + BLOCK]
        same = (held.take(some).vectors == embeddings.take(some).vectors).all(axis=1)
        moved += [some[place] for place in np.flatnonzero(~same)]
    if len(gone) + len(moved) > MAX_CHANGED * len(index):
        return False
    if gone:
        index.remove(gone)
    if moved:
        index.add(embeddings.take(moved))
    return True
