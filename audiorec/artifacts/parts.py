"""The parts of a workspace: the folder of each, and the command that fills it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class WorkspacePart(NamedTuple):
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
    "plays": WorkspacePart("plays", "plays", "artifact"),
    "mels": WorkspacePart("mels", "mel", "stage"),
    "features": WorkspacePart("features", "train"),
    "factors": WorkspacePart("factors", "factors", "stage"),
    "model": WorkspacePart("model", "train", "stage"),
    "embeddings": WorkspacePart("embeddings", "embed", "stage"),
    "index": WorkspacePart("index", "index", "stage"),
    "sessions": WorkspacePart("sessions", "sessions", "stage"),
    "map": WorkspacePart("map", "map", "stage"),
    "probe": WorkspacePart("probe", "tags --all", "artifact"),
    "descriptors": WorkspacePart("descriptors", "descriptors", "artifact"),
    "reports": WorkspacePart("reports", "evaluate"),
    "playlists": WorkspacePart("playlists", "playlist"),
    "recipes": WorkspacePart("playlists/recipes", "playlist --save"),
    "scanned_mels": WorkspacePart(".ahead", "scan"),
    "scanned_descriptors": WorkspacePart(".measured", "scan"),
    "training_state": WorkspacePart(".training", "train"),
    "session_states": WorkspacePart(".sessions", "sessions"),
    "scores": WorkspacePart(".evaluation", "evaluate"),
}
"""By the names of `audiorec.workspace.Workspace`; the name of an artifact is its kind."""
