"""Recommendations: tracks similar to others, tracks for a listener, from one workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.recommend.library import Library
from audiorec.recommend.results import Hit
from audiorec.recommend.retrieval import (
    ScoredTrack,
    query_vectors,
    recommend,
    similar,
    similar_many,
)
from audiorec.recommend.several_seeds import representative_ids
from audiorec.recommend.user_profile import liked_tracks, tracks_played_by
from audiorec.recommend.versions import song_of, songs_of

if TYPE_CHECKING:
    from audiorec.recommend.filters import TrackFilter
    from audiorec.recommend.preview_segment import Preview, find_previews
    from audiorec.recommend.rank_fusion import join_with_listener
    from audiorec.recommend.spaces import Space, blend_space, content_space
    from audiorec.recommend.uncatalogued_file import UncataloguedFile, embed_file
    from audiorec.recommend.vector_export import Exported, export_vectors

__all__ = [
    "Exported",
    "Hit",
    "Library",
    "Preview",
    "ScoredTrack",
    "Space",
    "TrackFilter",
    "UncataloguedFile",
    "blend_space",
    "content_space",
    "embed_file",
    "export_vectors",
    "find_previews",
    "join_with_listener",
    "liked_tracks",
    "query_vectors",
    "recommend",
    "representative_ids",
    "similar",
    "similar_many",
    "song_of",
    "songs_of",
    "tracks_played_by",
]

# A plain answer needs none of these.
__getattr__ = lazy_attributes(
    __name__,
    {
        "filters": ("TrackFilter",),
        "preview_segment": ("Preview", "find_previews"),
        "rank_fusion": ("join_with_listener",),
        "spaces": ("Space", "blend_space", "content_space"),
        "uncatalogued_file": ("UncataloguedFile", "embed_file"),
        "vector_export": ("Exported", "export_vectors"),
    },
)
