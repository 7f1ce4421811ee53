"""Names of music: normalised for comparison, guessed from paths, and matched to tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.data.names.artist_names import artist_key, is_nobody
    from audiorec.data.names.canonical_names import Title, split_title
    from audiorec.data.names.fuzzy_search import closest
    from audiorec.data.names.listen_matching import (
        Matcher,
        NameMatch,
        Recording,
        TrackName,
        name_id,
    )
    from audiorec.data.names.path_names import names_from_path
    from audiorec.data.names.text_folding import full_name, normalize_text, strip_accents

__all__ = [
    "Matcher",
    "NameMatch",
    "Recording",
    "Title",
    "TrackName",
    "artist_key",
    "closest",
    "full_name",
    "is_nobody",
    "name_id",
    "names_from_path",
    "normalize_text",
    "split_title",
    "strip_accents",
]

# Imported when asked for: folding a name needs none of the matching.
__getattr__ = lazy_attributes(
    __name__,
    {
        "artist_names": ("artist_key", "is_nobody"),
        "canonical_names": ("Title", "split_title"),
        "fuzzy_search": ("closest",),
        "listen_matching": ("Matcher", "NameMatch", "Recording", "TrackName", "name_id"),
        "path_names": ("names_from_path",),
        "text_folding": ("full_name", "normalize_text", "strip_accents"),
    },
)
