"""The parts of a workspace: the folder of each, and the command that fills it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Part(NamedTuple):
    """A folder of a workspace.

    Attributes
    ----------
    folder : str
        Its path in the workspace.
    command : str
        The command of ``audiorec`` that fills it.
    role : {"stage", "artifact", "other"}
        Artifact of a stage of ``audiorec run``, another artifact that ``audiorec doctor`` checks,
        or whatever else is written.
    """

    folder: str
    command: str
    role: Literal["stage", "artifact", "other"] = "other"


PARTS = {
    "plays": Part("plays", "plays", "artifact"),
    "mels": Part("mels", "mel", "stage"),
    "features": Part("features", "train"),
    "factors": Part("factors", "factors", "stage"),
    "model": Part("model", "train", "stage"),
    "embeddings": Part("embeddings", "embed", "stage"),
    "index": Part("index", "index", "stage"),
    "sessions": Part("sessions", "sessions", "stage"),
    "map": Part("map", "map", "stage"),
    "probe": Part("probe", "tags --all", "artifact"),
    "descriptors": Part("descriptors", "descriptors", "artifact"),
    "reports": Part("reports", "evaluate"),
    "playlists": Part("playlists", "playlist"),
    "recipes": Part("playlists/recipes", "playlist --save"),
    "scanned_mels": Part(".ahead", "scan"),
    "scanned_descriptors": Part(".measured", "scan"),
    "training_state": Part(".training", "train"),
    "session_states": Part(".sessions", "sessions"),
    "scores": Part(".evaluation", "evaluate"),
}
"""By the names of `audiorec.workspace.Workspace`; the name of an artifact is its kind."""
