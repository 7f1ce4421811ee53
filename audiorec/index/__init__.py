"""The index of the vectors: ids in, nearest ids out."""

from __future__ import annotations

from audiorec.index.build import build_index, with_popularity
from audiorec.index.exact import Metric
from audiorec.index.index import Index
from audiorec.index.search import Neighbours

__all__ = ["Index", "Metric", "Neighbours", "build_index", "with_popularity"]
