"""Duplicate recordings, by their samples or by their fingerprints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from audiorec.audio import Fingerprints, find_copies
from audiorec.audio.fingerprint import SAME
from audiorec.data import connected_components, merge_groups
from audiorec.exceptions import ParameterError

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel.store import MelStore

MOST_APART_SECONDS = 30.0  # difference in length: copies are trimmed, or have silence at their ends


def duplicates_of(store: MelStore, tracks: Mapping[str, Track]) -> dict[str, int]:
    """Group tracks that are the same recording, by their samples or by their fingerprints.

    Parameters
    ----------
    store : MelStore
    tracks : mapping of str to Track
        A catalogue, by track_id.

    Returns
    -------
    groups : dict of str to int
        Group of each track that has a copy.
    """
    by_hash: dict[str, list[str]] = {}
    for track in tracks.values():
        if track.clip_hash:
            by_hash.setdefault(track.clip_hash, []).append(track.track_id)
    same = [ids for ids in by_hash.values() if len(ids) > 1]
    exact = {track_id: group for group, ids in enumerate(same) for track_id in ids}
    seconds = {track_id: track.duration for track_id, track in tracks.items()}
    return merge_groups(near_duplicates(store.fingerprints(), seconds=seconds), exact)


def near_duplicates(
    fingerprints: Fingerprints, *, seconds: Mapping[str, float], same: float = SAME
) -> dict[str, int]:
    """Group copies of one recording, in other encodings or with other starts.

    Two recordings are copies if their fingerprints agree by at least `same` and their lengths are
    close; groups are the connected components of such pairs.

    Parameters
    ----------
    fingerprints : Fingerprints
    seconds : mapping of str to float
        Duration of each recording, where known.
    same : float
        Above 0, at most 1; see `audiorec.audio.fingerprint.agreement`.

    Returns
    -------
    groups : dict of str to int
        Group of each recording that has a copy, numbered in order of appearance.
    """
    if not 0 < same <= 1:
        raise ParameterError(f"same={same} must be above 0 and at most 1")
    ids = fingerprints.ids
    return connected_components(
        (ids[match.a], ids[match.b])
        for match in find_copies(fingerprints, same=same)
        if may_be_copies(seconds.get(ids[match.a], 0.0), seconds.get(ids[match.b], 0.0))
    )


def may_be_copies(a: float, b: float) -> bool:
    """Whether recordings of these lengths, s, 0 where unknown, may be copies of each other.

    A mix of several holds each of them, and its middle may be one of theirs.
    """
    return not a or not b or abs(a - b) <= MOST_APART_SECONDS
