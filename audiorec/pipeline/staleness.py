"""Staleness of artifacts relative to their inputs."""

from __future__ import annotations

from audiorec import artifacts
from audiorec.artifacts import Manifest
from audiorec.data.catalog import Catalog
from audiorec.exceptions import ArtifactError
from audiorec.workspace import Workspace

KINDS = ("plays", *(kind for kind in artifacts.OF_RUN if kind != "sessions"))
"""Artifacts of every library; session models also need plays with times."""


def stale_artifacts(workspace: Workspace, catalog: Catalog) -> dict[str, str]:
    """Return the newer inputs of each stale artifact, by the artifact's kind.

    Only manifests and the list of tracks are compared, not settings and files.
    """
    made = {kind: _manifest_or_none(workspace, kind) for kind in KINDS}
    now = {kind: manifest.digests for kind, manifest in made.items() if manifest}
    now["catalog"] = frozenset({catalog.fingerprint()})
    if made["map"] is not None:
        now["names"] = frozenset({names_fingerprint(catalog)})
    called = {
        "catalog": "the catalogue is", "model": "the model is", "index": "the index is",
        "names": "words or artists of the tracks are",
    }  # fmt: skip
    stale: dict[str, str] = {}
    for kind, manifest in made.items():
        inputs = {} if manifest is None else manifest.inputs
        newer = [name for name, value in inputs.items() if name in now and value not in now[name]]
        if newer:
            stale[kind] = f"{called.get(newer[0], f'{newer[0]} are')} newer: run 'audiorec run'"
    return stale


def names_fingerprint(catalog: Catalog) -> str:
    """Compute a digest of the data that name the map's regions."""
    counts = [list(count) for count in catalog.tags.counts()]
    return artifacts.fingerprint([counts, [list(fact) for fact in catalog.facts("artist")]])


def _manifest_or_none(workspace: Workspace, kind: str) -> Manifest | None:
    try:
        return artifacts.load_manifest(workspace.root / kind, kind=kind, check="manifest")
    except ArtifactError:
        return None
