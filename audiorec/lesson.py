"""What a network learns from: tracks with sound and factors, and artists where these teach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.models.config import ModelConfig
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.tracks import Track
    from audiorec.embeddings import Embeddings
    from audiorec.mel import MelStore


class Lesson(NamedTuple):
    """Which tracks there are to learn from, and whose they are.

    Attributes
    ----------
    targets : Embeddings
        Factors of the tracks that can be heard.
    unlabelled : tuple of str
        Tracks without factors that are learned from too.
    listeners : np.ndarray [shape=(n_listeners, d)], float32
        Their factors.
    groups : dict of str to str
        Artist of each of them all.
    inputs : dict of str to str
        Digests of all that: a model that was made from others is stale.
    """

    targets: Embeddings
    unlabelled: tuple[str, ...]
    listeners: np.ndarray
    groups: dict[str, str]
    inputs: dict[str, str]


def lesson_of(
    workspace: Workspace, model: ModelConfig, *, store: MelStore, tracks: dict[str, Track]
) -> Lesson:
    """What a model that listeners teach would learn from, as the workspace is now.

    Parameters
    ----------
    workspace : Workspace
    model : ModelConfig
    store : MelStore
        The workspace's.
    tracks : dict of str to Track
        Its catalogue, by track_id.

    Raises
    ------
    ArtifactError
        If there are no factors.
    """
    from audiorec.factors import load_factors

    found = load_factors(workspace.factors)
    factors = found.tracks
    made = artifacts.load_manifest(workspace.factors, kind="factors")
    heard = [i for i in store.ids if i in tracks]
    ids = [i for i in heard if i in factors]
    unlabelled: list[str] = []
    if model.described and model.discriminants:
        unlabelled = [i for i in heard if i not in factors]
    groups = {i: tracks[i].artist_key for i in (*ids, *unlabelled)}

    def digest(ids: list[str]) -> str:
        return artifacts.fingerprint([[i, tracks[i].clip_hash, groups[i]] for i in ids])

    inputs = {
        "factors": made.content,
        "examples": artifacts.fingerprint([[i, tracks[i].clip_hash] for i in ids]),
        "artists": digest(ids),
        **({"unlabelled": digest(unlabelled)} if unlabelled else {}),
    }
    return Lesson(factors.take(ids), tuple(unlabelled), found.users.vectors, groups, inputs)


def names_changed(workspace: Workspace, made: artifacts.Manifest) -> bool:
    """Whether artists' names alone make a model stale that was learned from what is there.

    Of the tracks that have factors: others come and go.

    Parameters
    ----------
    workspace : Workspace
    made : Manifest
        Of the workspace's model.

    Raises
    ------
    ParameterError
        If it follows settings that are not known here.
    ArtifactError, WorkspaceError
        If the factors, spectrograms or catalogue cannot be read.
    """
    from audiorec.mel import MelStore

    if "artists" not in made.inputs:
        return False
    with Catalog(workspace.catalog, read_only=True) as catalog:
        tracks = {track.track_id: track for track in catalog.tracks()}
    model = ModelConfig(**made.config.get("model", {}))
    now = lesson_of(workspace, model, store=MelStore(workspace.mels), tracks=tracks).inputs
    told = ("factors", "examples", "artists")
    return [key for key in told if made.inputs.get(key) != now[key]] == ["artists"]
