"""Workspace status: tracks, plays, and the state of each artifact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiorec import artifacts
from audiorec.data.catalog import Catalog, Failure
from audiorec.exceptions import ArtifactError
from audiorec.pipeline.recipe_choice import current_recipe
from audiorec.pipeline.staleness import KINDS, stale_artifacts
from audiorec.track_map import can_lay_out
from audiorec.workspace import Workspace


def describe_workspace(workspace: Workspace) -> dict[str, Any]:
    """Describe a workspace, as ``status --json`` prints it."""
    held, _, _ = catalog_state(workspace)
    held |= listening_counts(workspace)
    held["artifacts"] = {kind: artifact_state(workspace, kind) for kind in KINDS}
    return held


def catalog_state(workspace: Workspace) -> tuple[dict[str, Any], list[Failure], list[Failure]]:
    """Return counts, failures and notes of the catalogue, which is optional with plays alone."""
    held: dict[str, Any] = {"workspace": str(workspace.root.resolve())}
    if not workspace.catalog.exists() and artifacts.exists(workspace.plays):
        none = {"tracks": 0, "failures": 0, "notes": 0, "words": {}, "stale": {}}
        return held | none, [], []
    with Catalog(workspace.catalog, read_only=True) as catalog:
        failed, notes = catalog.failures(), catalog.notes()
        held |= {
            "tracks": len(catalog),
            "failures": len(failed),
            "notes": len(notes),
            "words": catalog.tags.sources(),
            "stale": stale_artifacts(workspace, catalog),
        }
    return held, failed, notes


def listening_counts(workspace: Workspace) -> dict[str, int]:
    """Count played tracks, listeners and plays; 0 if there are none."""
    # here: it loads polars, not needed after a mere scan
    from audiorec.data.plays import load_plays

    names = ("tracks_with_listening", "listeners", "plays")
    if not artifacts.exists(workspace.plays):
        return dict.fromkeys(names, 0)
    try:
        plays = load_plays(workspace.plays)
    except ArtifactError:  # reported for the artifact
        return dict.fromkeys(names, 0)
    counts = plays["track_id"].n_unique(), plays["user_id"].n_unique(), round(plays["plays"].sum())
    return dict(zip(names, counts, strict=True))


def artifact_state(workspace: Workspace, kind: str) -> str:
    """Describe an artifact's size, or what is wrong with it, in a few words."""
    directory = workspace.root / kind
    if not artifacts.exists(directory):
        return _none_yet(workspace, kind)
    try:
        manifest = artifacts.load_manifest(directory, kind=kind)
    except ArtifactError as error:
        return str(error)
    size = sum(entry.size for entry in manifest.files.values())
    state = f"{size / 1e6:.1f} MB in {len(manifest.files)} files, {manifest.fingerprint[:12]}"
    if kind == "model" and (warning := manifest.extra.get("warning")):
        state += f"; WARNING: {warning}"
    return f"{state}, {search_state(manifest.extra)}" if kind == "index" else state


def _none_yet(workspace: Workspace, kind: str) -> str:
    """Return the reason why an artifact is missing, or the command that makes it."""
    if artifacts.was_imported(workspace.root):
        if kind == "embeddings":
            return "gone: run 'audiorec import embeddings FILE --replace'"
        if kind not in ("index", "map"):
            return "not needed: the vectors were imported"
    if kind in ("plays", "factors") and current_recipe(workspace).model.target == "content":
        return "not needed: tracks are placed by sound alone"
    if kind == "map" and not can_lay_out():
        return "none: it is for 'audiorec serve', and needs the extra 'serve'"
    return f"none yet: run 'audiorec {artifacts.STAGE_OF[kind]}'"


def search_state(extra: Mapping[str, Any]) -> str:
    """Describe an index's search and its recall of true neighbours, in a few words."""
    vectors = f"{extra['n']} vectors"
    if extra["kind"] == "exact":
        return f"exact search of {vectors}"
    how = extra.get("factory") or extra["kind"]
    dead = extra.get("rows", extra["n"]) - extra["n"]
    removed = f", {dead} removed ones filtered out" if dead else ""
    return f"{how} of {vectors}, recall@10 {extra['recall_at_10']:.3f}{removed}"
