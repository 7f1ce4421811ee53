"""Sessions of lists of ids, such as playlists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiorec.data import Sessions
from audiorec.id_map import IdMap


def sessions_of_lists(lists: Sequence[Sequence[str]], *, item_ids: Sequence[str] = ()) -> Sessions:
    """Sessions of lists of ids: of no time, nothing skipped.

    Parameters
    ----------
    lists : sequence of sequence of str
    item_ids : sequence of str
        The items and their order; by default those of the lists, ascending.
    """
    rows = IdMap(item_ids or sorted({id_ for ids in lists for id_ in ids}))
    items = np.array([rows.row(id_) for ids in lists for id_ in ids], dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in lists])]).astype(np.int64)
    return Sessions(
        rows.ids, items, offsets, np.full(len(lists), np.nan), np.zeros(len(items), dtype=bool)
    )
