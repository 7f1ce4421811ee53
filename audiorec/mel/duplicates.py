"""Recordings that are the same one, by their samples or by their fingerprints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from audiorec.audio.fingerprint import SAME, Fingerprints, find_copies
from audiorec.data.grouping import connected_components, merge_groups
from audiorec.exceptions import ParameterError

if TYPE_CHECKING:
    from audiorec.data.tracks import Track
    from audiorec.mel.store import MelStore


def duplicates_of(store: MelStore, tracks: Mapping[str, Track]) -> dict[str, int]:
    """Groups of tracks that are the same recording, by their samples or by their fingerprints.

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
    return merge_groups(near_duplicates(store.fingerprints()), exact)


def near_duplicates(fingerprints: Fingerprints, *, same: float = SAME) -> dict[str, int]:
    """Group recordings that are the same one, in another encoding or with another start.

    Two are the same when their fingerprints agree by at least `same`, and so are those that a
    chain of such pairs joins.

    Parameters
    ----------
    fingerprints : Fingerprints
    same : float
        Above 0, at most 1; see `audiorec.audio.fingerprint.agreement`.

    Returns
    -------
    groups : dict of str to int
        Group of each recording that has a copy, numbered as they come.
    """
    if not 0 < same <= 1:
        raise ParameterError(f"same={same} must be above 0 and at most 1")
    ids = fingerprints.ids
    return connected_components(
        (ids[match.a], ids[match.b]) for match in find_copies(fingerprints, same=same)
    )
