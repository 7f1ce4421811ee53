"""Neighbour study: artists, songs and genres among nearest neighbours, without plays.

Every track is a query for its five nearest. Three relations are known without any plays: tracks by
the same artist, tracks of the same song by another artist, and tracks of the same genre. None is
what listeners want, but an audio space without them is of no use to them. Genre counts only tracks
by *other* artists: nearness of an artist's own tracks says little, since a label can tell as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from audiorec import artifacts, metrics
from audiorec.data.catalog import Track
from audiorec.data.names import normalize_text
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluation import mel_statistics, mfcc_statistics, read_catalogue, workspace_inputs
from audiorec.exceptions import ArtifactError, DataError
from audiorec.index import csls_offsets
from audiorec.index.exact import spread_rows
from audiorec.mel import MelStore, duplicates_of
from audiorec.models import FIXED_ENCODER, standardizing_head
from audiorec.models.content_model import CONTENT_BLOCKS
from audiorec.recommend import blend_space, content_space
from audiorec.recommend.spaces import artists_of
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.tables import StudyReport, StudyTable

if TYPE_CHECKING:
    from audiorec.models import FeatureStore

K = 5
MAX_QUERIES = 5_000  # query tracks, evenly spread
BLOCK = 512  # queries at a time
CORRECTED = ", hubs corrected"
ABOUT = ("same artist", "same song, other artist", "genre, by other artists")
ENCODERS = (FIXED_ENCODER, "musicnn")
CHANCE = "random"


class Relations(NamedTuple):
    """Relations between tracks.

    Attributes
    ----------
    ids : tuple of str
    artists, songs : np.ndarray [shape=(n,)], int64
        Codes of artists and titles; below 0 if unknown.
    genres : np.ndarray [shape=(n, n_genres)], bool
    recordings : np.ndarray [shape=(n,)], int64
        Codes of recordings, whose copies do not count as neighbours.
    """

    ids: tuple[str, ...]
    artists: np.ndarray
    songs: np.ndarray
    genres: np.ndarray
    recordings: np.ndarray

    def other_artists(self, row: int) -> np.ndarray:
        """Return tracks by other known artists : [shape=(n,)], bool."""
        return (self.artists != self.artists[row]) & (self.artists >= 0)

    def like(self, row: int) -> np.ndarray:
        """Return the relevant tracks of a query by artist and song : [shape=(2, n)], bool."""
        artist, song = self.artists[row], self.songs[row]
        other = self.recordings != self.recordings[row]
        by_artist = (self.artists == artist) & (artist >= 0) & other
        by_others = (self.songs == song) & (song >= 0) & self.other_artists(row) & other
        return np.stack([by_artist, by_others])

    def same_genre(self, row: int) -> np.ndarray:
        """Return tracks that share a genre with a query : [shape=(n,)], bool."""
        return np.asarray((self.genres & self.genres[row]).any(axis=1))


def run(study: StudyInputs) -> StudyReport:
    """Search the nearest neighbours of every track, in several audio spaces.

    Raises
    ------
    ArtifactError
        If no track of the catalogue has a spectrogram.
    DataError
        If no two tracks share an artist, a song by different artists, or a genre.
    """
    store, tracks = read_catalogue(study.workspace, study.recipe)
    with_audio = set(store.ids)
    by_id = sorted(tracks, key=lambda track: track.track_id)
    known = {track.track_id: track for track in by_id if track.track_id in with_audio}
    if not known:
        raise ArtifactError("no track has mels to evaluate on; run 'audiorec mel' first")
    relations = relations_of(store, known)
    query_rows = spread_rows(len(known), MAX_QUERIES)
    chance = np.stack([_by_chance(relations, row) for row in query_rows])
    if np.isnan(chance).all():
        raise DataError(
            f"of {len(known)} tracks none has another by its artist, of its title by somebody "
            "else, or of its genre; name artists in the files' tags, or in a --manifest"
        )
    spaces, notes = _spaces(study, store, relations.ids)
    hits = {CHANCE: chance}
    for number, (name, vectors) in enumerate(spaces.items()):
        study.progress("neighbours", number, len(spaces), name)
        hits[name] = hits_of(vectors, relations, query_rows, correct_hubs=name.endswith(CORRECTED))
    study.progress("neighbours", len(spaces), len(spaces))
    return StudyReport((_table(hits, n_tracks=len(known), notes=notes, study=study),))


def relations_of(store: MelStore, tracks: Mapping[str, Track]) -> Relations:
    """Derive relations from the catalogue's names and the recordings' fingerprints."""
    groups = duplicates_of(store, tracks)
    alone = max(groups.values(), default=0) + 1
    genres = [_genres(track.genre) for track in tracks.values()]
    names = sorted(set().union(*genres))
    return Relations(
        tuple(tracks),
        _numbers([normalize_text(track.artist) for track in tracks.values()]),
        _numbers([normalize_text(track.title) for track in tracks.values()]),
        np.array([[name in own for name in names] for own in genres], dtype=bool),
        np.array([groups.get(i, alone + n) for n, i in enumerate(tracks)]),
    )


def _genres(text: str | None) -> set[str]:
    """Split the genres of a track, separated by ``;``."""
    return {normalize_text(part) for part in (text or "").split(";")} - {""}


def _numbers(names: list[str]) -> np.ndarray:
    """Encode names as numbers, -1 for empty ones."""
    array = np.asarray(names, dtype=np.str_)
    return np.where(array == "", -1, np.unique(array, return_inverse=True)[1])


def _spaces(
    study: StudyInputs, store: MelStore, ids: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the tracks' vectors in each space, with notes on them."""
    spaces = {
        "mel statistics": _standardised(mel_statistics(store, ids).vectors),
        "MFCC statistics": _standardised(mfcc_statistics(store, ids).vectors),
    }
    notes = [
        "Features are standardised and compare by the cosine. The recipe library serves musicnn's "
        "content space with hubs corrected. Copies of a recording do not count as neighbours."
    ]
    inputs_of = workspace_inputs(study.workspace, study.recipe, progress=study.progress)
    for encoder in ENCODERS:
        inputs = inputs_of(encoder, store)
        if reason := inputs.missing(ids):
            notes.append(f"{encoder} is left out: {reason}.")
            continue
        assert inputs.features is not None
        spaces |= _encoder_spaces(encoder, inputs.features, ids)
    placed = {
        name: vectors.take(ids).vectors
        for name, vectors in _workspace_spaces(study).items()
        if all(i in vectors for i in ids)
    }
    if placed:
        notes.append("The workspace's model may have learned from listeners of these artists.")
    return spaces | placed, notes


def _encoder_spaces(
    encoder: str, features: FeatureStore, ids: tuple[str, ...]
) -> dict[str, np.ndarray]:
    spaces = {encoder: _standardised(features.features(ids).vectors)}
    if set(CONTENT_BLOCKS) <= set(features.blocks):
        rows = features.take(CONTENT_BLOCKS).features(ids).vectors
        space = f"{encoder}, content space"
        with torch.inference_mode():
            vectors = standardizing_head(rows)(torch.tensor(rows)).numpy()
        spaces[space] = spaces[space + CORRECTED] = vectors
    return spaces


def _workspace_spaces(study: StudyInputs) -> dict[str, Embeddings]:
    """Return the vectors of the workspace's model, and of its index with listeners.

    Empty if there is no matching model.
    """
    workspace = study.workspace
    if not (artifacts.exists(workspace.model) and artifacts.exists(workspace.embeddings)):
        return {}
    try:
        served = blend_space(
            workspace,
            prior_half_life_users=study.recipe.index.prior_half_life_users,
            artists=artists_of(workspace),
        )
        return {
            "the workspace's model": content_space(workspace),
            "as similar serves it": served.tracks,
        }
    except ArtifactError:
        return {}  # of another model, or damaged: 'audiorec doctor' reports it


def _standardised(features: np.ndarray) -> np.ndarray:
    deviation = features.std(axis=0)
    return np.asarray((features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1))


def hits_of(
    vectors: np.ndarray, relations: Relations, query_rows: np.ndarray, *, correct_hubs: bool = False
) -> np.ndarray:
    """Compute hit rates of the nearest : [shape=(n_queries, 3)], float64.

    For artists and songs, 1 if one of the five nearest is relevant; for genres, the share of the
    five nearest by other artists. NaN if nothing is relevant. Hubs are corrected as by
    ``[index] hubs = "csls"``.
    """
    unit = unit_norm(vectors)
    offsets = csls_offsets(unit, unit, own=np.arange(len(unit))) if correct_hubs else 0.0
    hits = np.full((len(query_rows), len(ABOUT)), np.nan)
    for start in range(0, len(query_rows), BLOCK):
        rows = query_rows[start : start + BLOCK]
        block = np.array(unit[rows] @ unit.T + offsets, dtype=np.float32)
        for offset, row in enumerate(rows):
            scores = block[offset]
            scores[relations.recordings == relations.recordings[row]] = -np.inf
            like = relations.like(int(row))
            nearest = np.argsort(-scores, kind="stable")[:K]
            right = np.where(like.any(axis=1), like[:, nearest].any(axis=1), np.nan)
            hits[start + offset, :2] = right
            eligible = relations.genres[row].any() and relations.artists[row] >= 0
            others = _genre_candidates(relations, int(row))
            if eligible and others.any():
                nearest = np.argsort(-np.where(others, scores, -np.inf), kind="stable")
                nearest = nearest[: min(K, int(others.sum()))]
                hits[start + offset, 2] = relations.same_genre(int(row))[nearest].mean()
    return hits


def _genre_candidates(relations: Relations, row: int) -> np.ndarray:
    """Return tracks with a genre by other artists, without copies."""
    copies = relations.recordings == relations.recordings[row]
    return relations.other_artists(row) & relations.genres.any(axis=1) & ~copies


def _by_chance(relations: Relations, row: int) -> np.ndarray:
    """Compute the expected hit rates of five random tracks : [shape=(3,)]."""
    n = int((relations.recordings != relations.recordings[row]).sum())
    right = relations.like(row).sum(axis=1)
    missed = np.ones(len(right))
    for drawn in range(min(K, n)):
        missed *= np.maximum(n - right - drawn, 0) / (n - drawn)
    others = _genre_candidates(relations, row)
    genre = np.nan
    if relations.genres[row].any() and relations.artists[row] >= 0 and others.any():
        genre = float(relations.same_genre(row)[others].mean())
    return np.append(np.where(right > 0, 1 - missed, np.nan), genre)


def _table(
    hits: Mapping[str, np.ndarray], *, n_tracks: int, notes: list[str], study: StudyInputs
) -> StudyTable:
    rows = []
    for name, values in hits.items():
        samples = metrics.resampled_means(values, seed=0)
        row: dict[str, object] = {"space": name}
        for n, about in enumerate(ABOUT):
            known = values[~np.isnan(values[:, n]), n]
            row[about] = float(known.mean()) if len(known) else None
            row[f"{about}, interval"] = metrics.interval(samples[:, n])
        rows.append(row)
    n_queries = {about: int((~np.isnan(hits[CHANCE][:, n])).sum()) for n, about in enumerate(ABOUT)}
    counts = ", ".join(f"{about} {count}" for about, count in n_queries.items())
    columns = ("space", *(name for about in ABOUT for name in (about, f"{about}, interval")))
    return StudyTable(
        f"The {K} nearest of {n_tracks} tracks: share of tracks with such a neighbour among them; "
        f"of genre, share of the {K} nearest by other artists. Query tracks: {counts}",
        columns,
        tuple(rows),
        (*notes, "Intervals: 95 %, over the query tracks."),
        {"asking": n_queries, "n_tracks": n_tracks},
    )
