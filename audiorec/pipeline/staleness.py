"""Which artifacts are older than what they are made from."""

from __future__ import annotations

from audiorec import artifacts
from audiorec.artifacts import Manifest
from audiorec.data.catalog import Catalog
from audiorec.exceptions import ArtifactError
from audiorec.workspace import Workspace

KINDS = ("plays", "mels", "factors", "model", "embeddings", "index")


def stale_artifacts(workspace: Workspace, catalog: Catalog) -> dict[str, str]:
    """What is newer than each artifact that was made from it, by the artifact's kind.

    Their manifests are read, and the list of tracks: settings and files are not compared.
    """
    made = {kind: _standing(workspace, kind) for kind in KINDS}
    now = {kind: manifest.digests for kind, manifest in made.items() if manifest}
    now["catalog"] = frozenset({catalog.fingerprint()})
    called = {"catalog": "the catalogue is", "plays": "plays are", "mels": "mels are"}
    stale: dict[str, str] = {}
    for kind, manifest in made.items():
        inputs = {} if manifest is None else manifest.inputs
        newer = [name for name, value in inputs.items() if name in now and value not in now[name]]
        if newer:
            stale[kind] = f"{called.get(newer[0], f'{newer[0]} are')} newer: run 'audiorec run'"
    return stale


def _standing(workspace: Workspace, kind: str) -> Manifest | None:
    try:
        return artifacts.load_manifest(workspace.root / kind, kind=kind, check="manifest")
    except ArtifactError:
        return None
