"""Folders of a workspace: contents of each, and the command that fills it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class WorkspaceFolder(NamedTuple):
    """A folder of a workspace.

    Attributes
    ----------
    folder : str
        Its path in the workspace.
    command : str
        The command of ``audiorec`` that fills it.
    role : {"stage", "artifact", "other"}
        Artifact of a stage of ``audiorec run``, another artifact that ``audiorec doctor`` checks,
        or any other file.
    """

    folder: str
    command: str
    role: Literal["stage", "artifact", "other"] = "other"


WORKSPACE_FOLDERS = {
    "plays": WorkspaceFolder("plays", "plays", "artifact"),
    "mels": WorkspaceFolder("mels", "mel", "stage"),
    "features": WorkspaceFolder("features", "train"),
    "factors": WorkspaceFolder("factors", "factors", "stage"),
    "model": WorkspaceFolder("model", "train", "stage"),
    "embeddings": WorkspaceFolder("embeddings", "embed", "stage"),
    "index": WorkspaceFolder("index", "index", "stage"),
    "sessions": WorkspaceFolder("sessions", "sessions", "stage"),
    "map": WorkspaceFolder("map", "map", "stage"),
    "probe": WorkspaceFolder("probe", "tags --all", "artifact"),
    "descriptors": WorkspaceFolder("descriptors", "descriptors", "artifact"),
    "reports": WorkspaceFolder("reports", "evaluate"),
    "playlists": WorkspaceFolder("playlists", "playlist"),
    "recipes": WorkspaceFolder("playlists/recipes", "playlist --save"),
    "scanned_mels": WorkspaceFolder(".ahead", "scan"),
    "scanned_descriptors": WorkspaceFolder(".measured", "scan"),
    "training_state": WorkspaceFolder(".training", "train"),
    "session_states": WorkspaceFolder(".sessions", "sessions"),
    "scores": WorkspaceFolder(".evaluation", "evaluate"),
}
"""By attribute of `audiorec.workspace.Workspace`; the name of an artifact is its kind."""
