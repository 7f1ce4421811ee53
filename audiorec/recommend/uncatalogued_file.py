"""Uncatalogued files: copies of a catalogued track, or embedded from their audio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.embeddings import Embeddings, predicts_into
from audiorec.index import Index
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.audio import MelConfig

# Imports in functions: decoders and torch, needed only here.


class UncataloguedFile(NamedTuple):
    """An uncatalogued file, either a duplicate or embedded.

    Attributes
    ----------
    duplicate_of : str or None
        The indexed track of which it is a copy, in any encoding.
    vector : np.ndarray [shape=(d,)], float32, or None
        Its embedding; None for a duplicate.
    artist : str
        Artist in its tags; empty if there is none.
    """

    duplicate_of: str | None
    vector: np.ndarray | None
    artist: str = ""


def embed_file(
    file: Path, *, workspace: Workspace, catalog: Catalog, index: Index
) -> UncataloguedFile:
    """Embed an uncatalogued file, with the model that made the index.

    Parameters
    ----------
    file : Path
    workspace : Workspace
    catalog : Catalog
    index : Index
        Index of the workspace.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    ArtifactError
        If there is no model, or the index is of another model.
    """
    from audiorec.audio import IDENTITY_CLIP, clip_hash, decode_clips, load_clips, resampled
    from audiorec.scan import read_tags

    decoded = decode_clips(file, config=IDENTITY_CLIP)
    same = catalog.with_clip_hash(clip_hash(decoded.clips[0]))
    if same is not None and same.track_id in index:
        return UncataloguedFile(same.track_id, None)
    from audiorec.inference import embed, load_model
    from audiorec.mel import log_mel
    from audiorec.mel.duplicates import may_be_copies
    from audiorec.recommend.spaces import content_scale

    scale = content_scale(workspace)
    model = load_model(workspace.model)
    config = model.mel
    if _clip_settings(config) == _clip_settings(IDENTITY_CLIP):  # decoded already
        clips = resampled(decoded, config=config)
    else:
        clips = load_clips(file, config=config)
    mels = [log_mel(y, config=config) for y in clips]
    mel = mels[len(mels) // 2]
    copies = _copies(mel, config=config, workspace=workspace, index=index)
    seconds, known = decoded.info.duration, catalog.get_many(copies)
    for track_id in copies:
        if may_be_copies(seconds, known[track_id].duration if track_id in known else 0.0):
            return UncataloguedFile(track_id, None)
    # In half precision, as in the store that the network was trained from.
    given = [mel.astype(np.float16) for mel in mels]
    vector = embed(model, [(str(file), given)]).vectors[0] * np.float32(scale)
    return UncataloguedFile(None, vector, read_tags(file)["artist"])


def with_artist_prior(
    file: UncataloguedFile, *, workspace: Workspace, catalog: Catalog
) -> np.ndarray:
    """Smooth a file's embedding by its artist's tracks in the catalogue.

    Parameters
    ----------
    file : UncataloguedFile
        With a vector.
    workspace : Workspace
    catalog : Catalog

    Returns
    -------
    vector : np.ndarray [shape=(d,)], float32
        As `audiorec.recommend.spaces.blend_space` computes it for an unplayed track.
    """
    from audiorec.factors import load_factors, smooth_by_artist
    from audiorec.recommend.spaces import artist_smoothing

    assert file.vector is not None
    smoothing = artist_smoothing(artifacts.load_manifest(workspace.model, kind="model"))
    others = catalog.by_artist(file.artist) if smoothing.k is not None else []
    if not others or not artifacts.exists(workspace.factors):
        return file.vector
    made = artifacts.load_manifest(workspace.embeddings, kind="embeddings")
    space = artifacts.load_manifest(workspace.factors, kind="factors")
    if not predicts_into(made, space):  # not the case during a run
        return file.vector
    sound, factors = Embeddings.load(workspace.embeddings), load_factors(workspace.factors).tracks
    others_ = sound.take([i for i in others if i in sound])
    # An id that no track has.
    vectors = Embeddings(("", *others_.ids), np.vstack([file.vector[None], others_.vectors]))
    placed = smooth_by_artist(
        vectors,
        factors=factors.take([i for i in others if i in factors]),
        artists=dict.fromkeys(("", *others), file.artist),
        smoothing=smoothing,
    )
    return placed[""]


def _clip_settings(config: MelConfig) -> tuple[float, int]:
    return config.clip_seconds, config.n_clips


def _copies(mel: np.ndarray, *, config: MelConfig, workspace: Workspace, index: Index) -> list[str]:
    """Return indexed tracks with matching fingerprints, the most similar first."""
    from audiorec.audio import find_copies_of, make_fingerprint
    from audiorec.mel import MelStore

    store = MelStore(workspace.mels)
    if store.config != config:  # fingerprints of other spectrograms cannot be compared
        return []
    fingerprints = store.fingerprints()
    copies = find_copies_of(make_fingerprint(mel, config=config), fingerprints)
    ids = [fingerprints.ids[match.b] for match in copies]
    return [track_id for track_id in ids if track_id in index]
