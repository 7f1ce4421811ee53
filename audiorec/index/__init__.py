"""Nearest-neighbour index of vectors by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.index.build import build_index, with_popularity
from audiorec.index.exact import Metric
from audiorec.index.hubness import csls_offsets
from audiorec.index.search import Neighbours
from audiorec.index.stored import rebuild_reason
from audiorec.index.vector_index import Index
from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.index.config import IndexConfig
    from audiorec.index.reload import IndexWatcher, open_index
    from audiorec.index.renew import renew_index

__all__ = [
    "Index",
    "IndexConfig",
    "IndexWatcher",
    "Metric",
    "Neighbours",
    "build_index",
    "csls_offsets",
    "open_index",
    "rebuild_reason",
    "renew_index",
    "with_popularity",
]

# Answers need no settings, and so no pydantic.
__getattr__ = lazy_attributes(
    __name__,
    {
        "config": ("IndexConfig",),
        "reload": ("IndexWatcher", "open_index"),
        "renew": ("renew_index",),
    },
)
