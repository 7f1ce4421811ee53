"""Vector spaces of tracks: by audio, by plays, or by both.

All three are in the space of the listener factors, and the inner product with a listener's vector
is a score in each. A library without plays has a space of audio alone, with content only:

- content: the prediction from audio, scaled to the norm of factors;
- listening: the factor, for played tracks only;
- blend: from the former to the latter as a track gains listeners. Its start is the prediction
  smoothed by the artist's other tracks; see `audiorec.factors.artist_smoothing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.embeddings import Embeddings, predicts_into
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scipy.sparse import csr_matrix

    from audiorec.data.plays import Interactions
    from audiorec.factors import ArtistSmoothing, Factors
    from audiorec.id_map import IdMap

# Imports in functions: scipy and polars, needed only to derive vectors.

Space = Literal["blend", "content", "listening"]
SPACES: tuple[Space, ...] = ("blend", "content", "listening")


class Blend(NamedTuple):
    """Vectors that the index serves.

    Attributes
    ----------
    tracks : Embeddings
        Vectors of every track with audio.
    factors : Factors or None
        Factors of the space; None for audio alone.
    n_played : int
        Number of tracks with a factor.
    mean_norm : float
        Mean norm of those factors.
    plays : csr_matrix [shape=(n_listeners, n_tracks)], or None
        Non-zero where a listener of the space has played a track.
    """

    tracks: Embeddings
    factors: Factors | None
    n_played: int
    mean_norm: float
    plays: csr_matrix | None


def content_space(workspace: Workspace) -> Embeddings:
    """Load the vectors of every track with audio, by audio alone.

    Raises
    ------
    ArtifactError
        If the vectors are missing, or of a model other than the workspace's.
    """
    return scaled(Embeddings.load(workspace.embeddings), scale=content_scale(workspace))


def content_scale(workspace: Workspace) -> float:
    """Compute the factor that scales predictions to the norm of their training factors.

    Raises
    ------
    ArtifactError
        If the workspace's predictions are of a model other than its own.
    """
    made = artifacts.load_manifest(workspace.embeddings, kind="embeddings")
    model = artifacts.load_manifest(workspace.model, kind="model")
    if made.inputs.get("model") != model.fingerprint:
        raise ArtifactError(
            f"the vectors in {workspace.embeddings} are of another model than the one in "
            f"{workspace.model}; run 'audiorec embed' and 'audiorec index'"
        )
    return float(model.extra["output_scale"])


def scaled(predictions: Embeddings, *, scale: float) -> Embeddings:
    """Scale predictions, of which a network may have learned only the directions."""
    return Embeddings(predictions.ids, predictions.vectors * np.float32(scale))


def factor_space(workspace: Workspace) -> Embeddings:
    """Load the factors of every track that has a vector and a factor, by plays alone."""
    from audiorec.factors import load_factors

    ids = artifacts.load_array(
        workspace.embeddings,
        artifacts.load_manifest(workspace.embeddings, kind="embeddings"),
        "ids",
    ).tolist()
    tracks = load_factors(workspace.factors).tracks
    return tracks.take([id_ for id_ in ids if id_ in tracks])


def blend_space(
    workspace: Workspace, *, prior_half_life_users: float, artists: Mapping[str, str]
) -> Blend:
    """Compute the vectors of every track with audio, by audio and plays.

    Parameters
    ----------
    workspace : Workspace
    prior_half_life_users : float
        See `audiorec.factors.PriorDecay`.
    artists : mapping of str to str
        Artist of each track, see `artists_of`; needed if the model has an `artist_smoothing`.

    Raises
    ------
    ArtifactError
        If something is missing, or the predictions are of another model or other factors.
    """
    from audiorec.data import read_session_plays, session_rows
    from audiorec.data.plays import load_plays, to_interactions
    from audiorec.data.sessionize import GAP_MINUTES
    from audiorec.factors import (
        AGREEMENT,
        FactorsConfig,
        PriorDecay,
        blend_tracks,
        load_factors,
        smooth_by_artist,
    )

    model = artifacts.load_manifest(workspace.model, kind="model")
    if model.extra.get("target") in ("content", "sound"):
        return Blend(content_space(workspace), None, 0, 1.0, None)
    made = artifacts.load_manifest(workspace.embeddings, kind="embeddings")
    space = artifacts.load_manifest(workspace.factors, kind="factors")
    if not predicts_into(made, space):
        raise ArtifactError(
            f"the vectors in {workspace.embeddings} predict into other factors than those in "
            f"{workspace.factors}; run 'audiorec train' and 'audiorec embed'"
        )
    factors = load_factors(workspace.factors)
    sound = content_space(workspace)
    agreement = model.extra.get("agreement", AGREEMENT)
    # Suspects have no factor, so that the half-step skips them. A track that is only skipped or
    # disliked has no listener, but is kept: negative feedback counts too.
    all_of_it = {"min_tracks_per_user": 0, "min_users_per_track": 0}
    plays = to_interactions(load_plays(workspace.plays), **all_of_it)
    rows = plays
    if factors.sessions is not None:
        gap = float(space.extra.get("session_gap_minutes", GAP_MINUTES))
        sessions = session_rows(read_session_plays(workspace.plays), gap_minutes=gap)
        rows = to_interactions(sessions.plays, **all_of_it)
    begun = smooth_by_artist(
        sound, factors=factors.tracks, artists=artists, smoothing=artist_smoothing(model)
    )
    tracks = blend_tracks(
        factors.by_row,
        rows,
        begun,
        config=FactorsConfig(**space.config),
        decay=PriorDecay(prior_half_life_users, agreement),
    )
    played = [id_ for id_ in sound.ids if id_ in factors.tracks]
    norms = np.linalg.norm(factors.tracks.take(played).vectors, axis=1)
    counts = _play_matrix(plays, users=factors.users.id_map, tracks=tracks.id_map)
    return Blend(tracks, factors, len(played), float(norms.mean()), counts)


def artist_smoothing(model: artifacts.Manifest) -> ArtistSmoothing:
    """Read a model's artist smoothing, which draws predictions towards the artist's tracks.

    Raises
    ------
    ArtifactError
        If its manifest has invalid values.
    """
    from audiorec.factors import artist_smoothing_from

    try:
        return artist_smoothing_from(model.extra.get("smoothing", {}))
    except ParameterError as error:
        raise ArtifactError(f"the model is damaged ({error}); run 'audiorec train'") from None


def artists_of(workspace: Workspace) -> dict[str, str]:
    """Return the artist of every track in the catalogue; see `Catalog.artists`."""
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return catalog.artists()


def _play_matrix(plays: Interactions, *, users: IdMap, tracks: IdMap) -> csr_matrix:
    """Convert plays to a matrix of the given listeners and tracks."""
    from scipy.sparse import csr_matrix

    pairs = plays.user_items.tocoo()
    rows = np.array([users.row(i) if i in users else -1 for i in plays.users])[pairs.row]
    columns = np.array([tracks.row(i) if i in tracks else -1 for i in plays.tracks])[pairs.col]
    known = (rows >= 0) & (columns >= 0)
    shape = (len(users), len(tracks))
    return csr_matrix((pairs.data[known], (rows[known], columns[known])), shape=shape)
