"""What a workspace's model is trained on, and the digests that say whether that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from audiorec import artifacts
from audiorec.data.catalog.database import Catalog
from audiorec.factors import load_factors
from audiorec.mel import MelStore
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.catalog.records import Track
    from audiorec.embeddings import Embeddings


class TrainingInputs(NamedTuple):
    """Tracks that a model is trained on.

    Attributes
    ----------
    targets : Embeddings
        Factors of the tracks that have sound.
    groups : dict of str to str
        Artist of each.
    digests : dict of str to str
        A model that was made from others is stale.
    """

    targets: Embeddings
    groups: dict[str, str]
    digests: dict[str, str]


def training_inputs(
    workspace: Workspace, *, store: MelStore, tracks: dict[str, Track]
) -> TrainingInputs:
    """What a model would be trained on, as the workspace is now.

    Parameters
    ----------
    workspace : Workspace
    store : MelStore
        The workspace's.
    tracks : dict of str to Track
        Its catalogue, by track_id.

    Raises
    ------
    ArtifactError
        If there are no factors.
    """
    factors = load_factors(workspace.factors).tracks
    made = artifacts.load_manifest(workspace.factors, kind="factors")
    ids = [i for i in store.ids if i in tracks and i in factors]
    groups = {i: tracks[i].artist_key for i in ids}
    digests = {
        "factors": made.content,
        "examples": artifacts.fingerprint([[i, tracks[i].clip_hash] for i in ids]),
        "artists": artifacts.fingerprint([[i, tracks[i].clip_hash, groups[i]] for i in ids]),
    }
    return TrainingInputs(factors.take(ids), groups, digests)


def only_artists_changed(workspace: Workspace, made: artifacts.Manifest) -> bool:
    """Whether artists' names alone make a model stale that was trained on what is there.

    Parameters
    ----------
    workspace : Workspace
    made : Manifest
        Of the workspace's model.

    Raises
    ------
    ArtifactError, WorkspaceError
        If the factors, spectrograms or catalogue cannot be read.
    """
    if "artists" not in made.inputs:
        return False
    with Catalog(workspace.catalog, read_only=True) as catalog:
        tracks = {track.track_id: track for track in catalog.tracks()}
    now = training_inputs(workspace, store=MelStore(workspace.mels), tracks=tracks).digests
    return [key for key, digest in now.items() if made.inputs.get(key) != digest] == ["artists"]
