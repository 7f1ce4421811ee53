"""Nearest-neighbour index of vectors by id."""

from __future__ import annotations

from audiorec.index.build import build_index, with_popularity
from audiorec.index.exact import Metric
from audiorec.index.search import Neighbours
from audiorec.index.vector_index import Index

__all__ = ["Index", "Metric", "Neighbours", "build_index", "with_popularity"]
