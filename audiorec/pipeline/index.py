"""Index stage: vectors of all tracks, with groups of duplicates."""

from __future__ import annotations

from pathlib import Path

from audiorec import artifacts
from audiorec.data import merge_groups
from audiorec.data.catalog import Catalog
from audiorec.index import rebuild_reason, renew_index
from audiorec.mel import MelStore, near_duplicates
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent
from audiorec.recommend import blend_space
from audiorec.recommend.spaces import artist_smoothing, artists_of
from audiorec.workspace import Workspace


def run_index(workspace: Workspace, recipe: Recipe, *, progress: Progress = silent) -> str | None:
    """Index the vectors that audio and plays give the tracks.

    Parameters
    ----------
    workspace : Workspace
    recipe : Recipe
    progress : Progress

    Returns
    -------
    summary : str or None
        None if the index is up to date.

    Raises
    ------
    ArtifactError
        If an artifact that it needs is missing.
    """
    by_content = recipe.model.target == "content"
    inputs = {
        kind: _fingerprint(workspace.root / kind, kind)
        for kind in ("embeddings", "mels", *(() if by_content else ("factors", "plays")))
    }
    artists: dict[str, str] = {}
    if not by_content:
        model = artifacts.load_manifest(workspace.model, kind="model")
        if artist_smoothing(model).k is not None:
            artists = artists_of(workspace)
            inputs["artists"] = artifacts.fingerprint(artists)
    config = recipe.index.model_dump(mode="json")
    stands = artifacts.is_fresh(workspace.index, kind="index", inputs=inputs, config=config)
    if stands and not rebuild_reason(workspace.index):
        return None
    progress("index", 0, None)
    served = blend_space(
        workspace,
        prior_half_life_users=recipe.index.prior_half_life_users,
        artists=artists,
    )
    with Catalog(workspace.catalog, read_only=True) as catalog:
        same_sound, seconds = catalog.duplicate_groups(), dict(catalog.facts("duration"))
    fingerprints = MelStore(workspace.mels).fingerprints()
    groups = merge_groups(near_duplicates(fingerprints, seconds=seconds), same_sound)
    index = renew_index(
        workspace.index,
        served.tracks,
        config=recipe.index,
        work=workspace.root,
        listeners=None if served.factors is None else served.factors.users.vectors,
        plays=served.plays,
    )
    extra = {
        "played": served.n_played,
        "mean_norm": served.mean_norm,
        "target": recipe.model.target,
    }
    index.save(workspace.index, inputs=inputs, extra=extra, duplicates=groups)
    played = "placed by content alone" if by_content else f"{served.n_played} of them played"
    return (
        f"{len(served.tracks)} tracks, {played}, {len(set(groups.values()))} groups of duplicates"
    )


def _fingerprint(directory: Path, kind: str) -> str:
    return artifacts.load_manifest(directory, kind=kind).fingerprint
