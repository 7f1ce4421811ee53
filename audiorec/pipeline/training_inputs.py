"""Training inputs of a workspace's model, and digests that detect changes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.factors import load_factors
from audiorec.mel import MelStore
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.embeddings import Embeddings


class TrainingInputs(NamedTuple):
    """Training tracks of a model.

    Attributes
    ----------
    targets : Embeddings
        Factors of the tracks with audio.
    artists : dict of str to str
        Artist of each track.
    digests : dict of str to str
        Digests of the inputs; a model with others is stale.
    """

    targets: Embeddings
    artists: dict[str, str]
    digests: dict[str, str]


def training_inputs(
    workspace: Workspace, *, store: MelStore, tracks: dict[str, Track]
) -> TrainingInputs:
    """Return the current training inputs of a workspace.

    Parameters
    ----------
    workspace : Workspace
    store : MelStore
        The workspace's spectrograms.
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
    artists = {i: tracks[i].artist_key for i in ids}
    digests = {
        "factors": made.content,
        "examples": artifacts.fingerprint([[i, tracks[i].clip_hash] for i in ids]),
        "artists": artifacts.fingerprint([[i, tracks[i].clip_hash, artists[i]] for i in ids]),
    }
    return TrainingInputs(factors.take(ids), artists, digests)


def only_artists_changed(workspace: Workspace, made: artifacts.Manifest) -> bool:
    """Whether only changed artist names make a model stale.

    Parameters
    ----------
    workspace : Workspace
    made : Manifest
        Manifest of the workspace's model.

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
