"""Where tracks can be placed: by their sound, by who played them, or by both.

All three lie in the listeners' space, and a listener's vector times a track's is a score in each.
A library without listening has a space of sound alone, where content is all there is:

- content: the prediction from sound, brought to the length of factors;
- listening: the factor, of tracks that have been played alone;
- blend: both, from the one to the other as the track gathers listeners. Where it begins, its
  artist's other tracks have a say beside its sound; see `audiorec.factors.artist_smoothing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog.database import Catalog
from audiorec.embeddings import Embeddings, predicts_into
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scipy.sparse import csr_matrix

    from audiorec.data.plays.interactions import Interactions
    from audiorec.factors import ArtistSmoothing, Factors
    from audiorec.id_map import IdMap

# Imports in functions: scipy and polars, where vectors are derived.

Space = Literal["blend", "content", "listening"]
SPACES: tuple[Space, ...] = ("blend", "content", "listening")


class Blend(NamedTuple):
    """What the index serves.

    Attributes
    ----------
    tracks : Embeddings
        Every track with sound.
    factors : Factors or None
        The space; None for one of sound alone.
    n_played : int
        How many of the tracks have a factor.
    mean_norm : float
        Mean length of those factors.
    plays : csr_matrix [shape=(n_listeners, n_tracks)], or None
        Not 0 where a listener of the space has played a track.
    """

    tracks: Embeddings
    factors: Factors | None
    n_played: int
    mean_norm: float
    plays: csr_matrix | None


def content_space(workspace: Workspace) -> Embeddings:
    """Every track with sound, where its sound alone places it.

    Raises
    ------
    ArtifactError
        If the vectors are missing, or of another model than the workspace's.
    """
    return scaled(Embeddings.load(workspace.embeddings), scale=content_scale(workspace))


def content_scale(workspace: Workspace) -> float:
    """What brings predictions to the length of the factors that they were learned from.

    Raises
    ------
    ArtifactError
        If the workspace's predictions are of another model than its own.
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
    """Predictions, of which a network may have learned the directions alone, at another length."""
    return Embeddings(predictions.ids, predictions.vectors * np.float32(scale))


def factor_space(workspace: Workspace) -> Embeddings:
    """Every track that has a vector and a factor, where its listeners alone place it."""
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
    """Every track with sound, where its sound and its listeners place it.

    Parameters
    ----------
    workspace : Workspace
    prior_half_life_users : float
        See `audiorec.factors.PriorDecay`.
    artists : mapping of str to str
        Artist of each track, see `artists_of`; needed where the model has an `artist_smoothing`.

    Raises
    ------
    ArtifactError
        If something is missing, or the predictions are of another model or other factors.
    """
    from audiorec.data.plays.interactions import to_interactions
    from audiorec.data.plays.store import load_plays
    from audiorec.data.sessionize import GAP_MINUTES, read_session_plays, session_rows
    from audiorec.factors import AGREEMENT, PriorDecay, blend_tracks, load_factors, smooth_by_artist
    from audiorec.factors.config import FactorsConfig

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
    # Suspects have no factor, so that the half-step passes them over. A track that is only skipped
    # or disliked has no listener, and stays: what speaks against it counts too.
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
    """How far a model's predictions are drawn towards the artist's other tracks.

    Raises
    ------
    ArtifactError
        If its manifest says what cannot be.
    """
    from audiorec.factors import artist_smoothing_from

    try:
        return artist_smoothing_from(model.extra.get("smoothing", {}))
    except ParameterError as error:
        raise ArtifactError(f"the model is damaged ({error}); run 'audiorec train'") from None


def artists_of(workspace: Workspace) -> dict[str, str]:
    """Artist of every track in the catalogue; see `Catalog.artists`."""
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return catalog.artists()


def _play_matrix(plays: Interactions, *, users: IdMap, tracks: IdMap) -> csr_matrix:
    """Plays as a matrix of these listeners and tracks."""
    from scipy.sparse import csr_matrix

    pairs = plays.user_items.tocoo()
    rows = np.array([users.row(i) if i in users else -1 for i in plays.users])[pairs.row]
    columns = np.array([tracks.row(i) if i in tracks else -1 for i in plays.tracks])[pairs.col]
    known = (rows >= 0) & (columns >= 0)
    shape = (len(users), len(tracks))
    return csr_matrix((pairs.data[known], (rows[known], columns[known])), shape=shape)
