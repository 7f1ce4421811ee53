"""True attributes of a synthetic world's tracks, for the ridge on true attributes only.

The file and its keys are those of `audiorec.demo.truth`. Nothing else of the package reads it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audiorec.embeddings import Embeddings
from audiorec.exceptions import DataError, system_reason
from audiorec.id_map import IdMap


def load_truth(path: Path, *, ids: Sequence[str]) -> Embeddings:
    """Load the true attributes of tracks.

    Parameters
    ----------
    path : Path
        A ``truth.npz``: track_ids [shape=(n,)] and attributes [shape=(n, d)].
    ids : sequence of str
        Requested tracks; those missing in the file get zeros.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a key, or contains none of `ids`.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            known = IdMap(stored["track_ids"].tolist())
            attributes = np.asarray(stored["attributes"], dtype=np.float32)
    except OSError as error:
        raise DataError(
            f"truth {path} cannot be read: {system_reason(error)}; check its path"
        ) from None
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, AttributeError) as error:
        raise DataError(
            f"{path} is not the truth of a demo world ({error}); give truth.npz of 'audiorec demo'"
        ) from None
    here = [i for i in ids if i in known]
    if attributes.ndim != 2 or len(attributes) != len(known) or not here:
        raise DataError(
            f"{path} has attributes of shape {attributes.shape} and knows {len(here)} of "
            f"{len(ids)} tracks; give truth.npz of the holdout that the tracks are from"
        )
    vectors = np.zeros((len(ids), attributes.shape[1]), dtype=np.float32)
    vectors[[row for row, i in enumerate(ids) if i in known]] = attributes[known.rows(here)]
    return Embeddings(tuple(ids), vectors)
