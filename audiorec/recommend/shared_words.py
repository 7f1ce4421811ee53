"""Tags shared by hits and their query."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiorec.data.catalog import MIN_CONFIDENCE, Tag, shared_tags
from audiorec.data.catalog.tags import PROBE
from audiorec.data.names import normalize_text
from audiorec.recommend.library import Library
from audiorec.recommend.results import Hit


def shared_words(
    library: Library,
    names: Sequence[str | Path],
    hits: Sequence[Hit],
    *,
    min_confidence: float = MIN_CONFIDENCE,
) -> list[list[str]]:
    """Return the tags that each hit shares with all tracks of the query.

    Parameters
    ----------
    library : Library
    names : sequence of str or Path
        See `Library.similar`; uncatalogued files are tagged by the network that tagged the
        catalogue.
    hits : sequence of Hit
    min_confidence : float
        Least confidence at which a track has a tag.

    Returns
    -------
    words : list of list of str
        For each hit, the most distinctive tags first.
    """
    catalog = library.catalog
    tracks = [library.catalogued(str(name)) for name in names]
    own = catalog.tags.of([track.track_id for track in tracks if track is not None])
    queries = [
        own[track.track_id] if track is not None else _words_of(library, Path(name))
        for name, track in zip(names, tracks, strict=True)
    ]
    tags = catalog.tags.of([hit.track_id for hit in hits])
    counts = catalog.tags.counts(min_confidence=min_confidence)
    return [
        shared_tags(
            [*queries, tags[hit.track_id]],
            counts={normalize_text(count.tag): count.tracks for count in counts},
            n_tracks=len(catalog),
            min_confidence=min_confidence,
        )
        for hit in hits
    ]


def _words_of(library: Library, file: Path) -> list[Tag]:
    """Predict tags of an uncatalogued file, by the network that tagged the catalogue."""
    sources = [source for source in library.catalog.tags.sources() if source != PROBE]
    if not sources:
        return []
    from audiorec.models.encoders import ready_pretrained  # here: it loads torch
    from audiorec.tagging import tag_file

    return tag_file(library.workspace, file, ready_pretrained(sources[0]))
