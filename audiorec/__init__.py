"""Recommend music nobody has played yet, by listening to it.

audiorec learns, from the tracks that do have listeners, to predict from 30 seconds of sound where
a track lies in the space of listeners' tastes, and answers with its neighbours, its listeners and
its place in playlists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.embeddings import Embeddings, unit_norm
    from audiorec.exceptions import (
        AmbiguousNameError,
        ArtifactError,
        AudioError,
        AudiorecError,
        DataError,
        NotFoundError,
        ParameterError,
        TrainingError,
        WorkspaceError,
        WriteError,
    )
    from audiorec.external_embeddings import ImportedVectors, import_embeddings
    from audiorec.inference import embed, embed_store
    from audiorec.workspace import Workspace

__version__ = "0.2.0"

__all__ = [
    "AmbiguousNameError",
    "ArtifactError",
    "AudioError",
    "AudiorecError",
    "DataError",
    "Embeddings",
    "ImportedVectors",
    "NotFoundError",
    "ParameterError",
    "TrainingError",
    "Workspace",
    "WorkspaceError",
    "WriteError",
    "embed",
    "embed_store",
    "import_embeddings",
    "unit_norm",
]

# Imported when asked for: ``--help`` needs none of it.
__getattr__ = lazy_attributes(
    __name__,
    {
        "embeddings": ("Embeddings", "unit_norm"),
        "exceptions": (
            "AmbiguousNameError",
            "ArtifactError",
            "AudioError",
            "AudiorecError",
            "DataError",
            "NotFoundError",
            "ParameterError",
            "TrainingError",
            "WorkspaceError",
            "WriteError",
        ),
        "external_embeddings": ("ImportedVectors", "import_embeddings"),
        "inference": ("embed", "embed_store"),
        "workspace": ("Workspace",),
    },
)
