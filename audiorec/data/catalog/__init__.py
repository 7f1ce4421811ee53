"""The catalogue of tracks, with their names, tags and descriptors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.data.catalog.database import Catalog
    from audiorec.data.catalog.descriptors import (
        TrackDescriptors,
        key_name,
        load_descriptors,
        parse_key,
        save_descriptors,
    )
    from audiorec.data.catalog.records import Failure, FileRow, Track, as_text
    from audiorec.data.catalog.tags import (
        MIN_CONFIDENCE,
        Autotags,
        Tag,
        TagCount,
        TagTable,
        distinctive_tags,
        given_tags,
        merge_tags,
        shared_tags,
    )

__all__ = [
    "MIN_CONFIDENCE",
    "Autotags",
    "Catalog",
    "Failure",
    "FileRow",
    "Tag",
    "TagCount",
    "TagTable",
    "Track",
    "TrackDescriptors",
    "as_text",
    "distinctive_tags",
    "given_tags",
    "key_name",
    "load_descriptors",
    "merge_tags",
    "parse_key",
    "save_descriptors",
    "shared_tags",
]

# Imported when asked for: a track alone needs neither SQLite nor the tags' numpy.
__getattr__ = lazy_attributes(
    __name__,
    {
        "database": ("Catalog",),
        "descriptors": (
            "TrackDescriptors",
            "key_name",
            "load_descriptors",
            "parse_key",
            "save_descriptors",
        ),
        "records": ("Failure", "FileRow", "Track", "as_text"),
        "tags": (
            "Autotags",
            "MIN_CONFIDENCE",
            "Tag",
            "TagCount",
            "TagTable",
            "given_tags",
            "merge_tags",
            "shared_tags",
            "distinctive_tags",
        ),
    },
)
