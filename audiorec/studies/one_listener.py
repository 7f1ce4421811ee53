"""Single-listener study: content models of one person's sessions compared with audio alone.

Each listener is treated as the only one. A fifth of the artists is held out, with all their plays.
Sessions and tracks of the rest are factorised, and the content model is trained on these factors;
the listener's vector is the mean of their sessions or, for comparison, a fold-in. The tracks of the
held-out artists are ranked; relevant are the fifth that the listener plays most.

With ``--truth``, listeners are synthetic, by the seed of [factors]: `N_LISTENERS` with moods and
sessions (`audiorec.demo`), of `N_PLAYS` plays each, over the tracks of that world. Otherwise they
are those of the workspace with at least `MIN_PLAYS` plays at a known time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl

from audiorec.data import split_tracks
from audiorec.data.plays import to_interactions
from audiorec.demo.listeners import Tracks, draw_listeners
from audiorec.demo.listening_sessions import sample_sessions
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluation import read_catalogue, workspace_inputs, workspace_plays
from audiorec.exceptions import DataError
from audiorec.factors import fold_in_users
from audiorec.inference import embed_store
from audiorec.mel import duplicates_of
from audiorec.metrics import (
    Interval,
    RankedPositions,
    auc,
    interval,
    ndcg,
    rank,
    recall,
    resampled_means,
)
from audiorec.models import ModelConfig, blocks_of, fit_ridge
from audiorec.models.content_model import CONTENT_BLOCKS
from audiorec.pipeline.factors import fit_sessions
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.tables import StudyReport, StudyTable
from audiorec.training import train

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel import MelStore
    from audiorec.models import FeatureStore
    from audiorec.pipeline import Recipe

N_LISTENERS = 20
N_PLAYS = 20_000
MIN_PLAYS = 2_000
TEST_FRACTION = 0.2
RELEVANT_FRACTION = 0.2
K = 10
SOUND, SOUND_BY_PLAYS = "sound alone", "sound alone, weighted by plays"
SESSIONS, SHUFFLED, RANDOM = "sessions", "sessions, tracks shuffled", "random"
FOLDED = "sessions, listener folded in"
REGRESSION = "plays regressed on sound"
ENCODER: Literal["musicnn"] = "musicnn"
N_RESAMPLES = 2_000
METRICS: dict[str, Callable[[RankedPositions], np.ndarray]] = {
    "AUC": auc,
    f"nDCG@{K}": partial(ndcg, k=K),
    f"recall@{K}": partial(recall, k=K),
}


class TrackData(NamedTuple):
    """Data of the tracks, independent of listeners."""

    store: MelStore
    features: FeatureStore
    tracks: Mapping[str, Track]
    duplicates: Mapping[str, int]

    @property
    def artists(self) -> dict[str, str]:
        """Artist of each track with audio."""
        return {i: self.tracks[i].artist_key for i in self.store.ids if i in self.tracks}


def run(study: StudyInputs) -> StudyReport:
    """Score every listener separately, and compare with audio alone, paired.

    Raises
    ------
    DataError
        If no listener has enough plays, or the encoder's weights are missing.
    """
    music = read_music(study)
    recipe = study.recipe
    values: dict[str, list[list[float]]] = {}
    n_sessions = 0
    for number, (user, plays) in enumerate(listeners(study, music)):
        study.progress("evaluate", number, None, user)
        scores, relevant, n = score_listener(music, plays, recipe=recipe, seed=number)
        n_sessions += n
        for name, row in scores.items():
            places = rank(row[None], relevant[None])
            values.setdefault(name, []).append([float(m(places)[0]) for m in METRICS.values()])
    if not values:
        raise DataError(
            f"no listener has {MIN_PLAYS} plays of catalogued tracks at a known time; import more "
            "of their history, or name a demo world's --truth"
        )
    return StudyReport((_table(values, n_sessions=n_sessions, recipe=recipe),))


def read_music(study: StudyInputs) -> TrackData:
    """Read spectrograms, features and catalogue of the workspace."""
    store, tracks = read_catalogue(study.workspace, study.recipe)
    inputs_of = workspace_inputs(study.workspace, study.recipe, progress=study.progress)
    inputs = inputs_of(ENCODER, store)
    if inputs.features is None:
        raise DataError(f"there are no features of {ENCODER}: {inputs.reason}")
    known = {track.track_id: track for track in tracks}
    return TrackData(inputs.store, inputs.features, known, duplicates_of(inputs.store, known))


def listeners(study: StudyInputs, music: TrackData) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield name and plays of listeners: columns user_id, track_id, plays, timestamp, skipped."""
    if study.truth is not None:
        yield from made_listeners(study.truth, seed=0)
        return
    known = pl.col("track_id").is_in(list(music.artists)) & pl.col("timestamp").is_not_null()
    plays = workspace_plays(study.workspace).filter(known)
    enough = plays.group_by("user_id").agg(pl.len()).filter(pl.col("len") >= MIN_PLAYS)
    for user in enough.sort("len", "user_id", descending=[True, False])["user_id"][:N_LISTENERS]:
        yield user, plays.filter(pl.col("user_id") == user)


def made_listeners(
    truth: Path, *, seed: int, n_listeners: int = N_LISTENERS, n_plays: int = N_PLAYS
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Simulate listeners with moods and sessions in a synthetic world; one play per row."""
    with np.load(truth, allow_pickle=False) as stored:
        tracks = Tracks(*(stored[name] for name in Tracks._fields))
        ids = stored["track_ids"]
    drawn = draw_listeners(
        n_listeners, n_dims=tracks.audible.shape[1], n_tracks=len(ids), seed=seed
    )
    # Twice as many plays as tracks tried, and a margin for those before their release.
    drawn = drawn._replace(n_tracks=np.full(n_listeners, 7 * n_plays // 10, dtype=np.int32))
    for row in range(n_listeners):
        alone = drawn._replace(
            **{name: getattr(drawn, name)[row : row + 1] for name in drawn._fields}
        )
        plays = sample_sessions(tracks, listeners=alone, seed=seed + row)
        frame = pl.DataFrame(
            {
                "user_id": f"listener-{row}",
                "track_id": ids[plays.track],
                "plays": 1.0,
                "timestamp": plays.timestamp,
                "skipped": plays.skipped.astype(np.float64),
            }
        )
        yield f"listener-{row}", frame.sort("timestamp").head(n_plays)


def score_listener(
    music: TrackData, plays: pl.DataFrame, *, recipe: Recipe, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, int]:
    """Score held-out tracks by each system; return scores, relevance and training sessions.

    Returns
    -------
    scores : dict of str to np.ndarray [shape=(n_cold,)]
    relevant : np.ndarray [shape=(n_cold,)], bool
    n_sessions : int
    """
    artists = music.artists
    split = split_tracks(
        sorted(artists),
        artists,
        test_fraction=TEST_FRACTION,
        seed=seed,
        duplicates=music.duplicates,
    )
    cold = sorted(split.test)
    counts = dict(
        plays.filter(pl.col("skipped").fill_null(0.0) == 0)
        .group_by("track_id")
        .agg(pl.col("plays").sum())
        .iter_rows()
    )
    relevant = most_played(np.array([counts.get(i, 0.0) for i in cold]))
    warm = plays.filter(~pl.col("track_id").is_in(cold))
    played = {i: n for i, n in counts.items() if i in artists and i not in split.test}
    rng = np.random.default_rng(seed)
    sound = sound_space(music.features)
    scores = {
        RANDOM: rng.random(len(cold)),
        SOUND: nearness(sound, cold, dict.fromkeys(played, 1.0)),
        SOUND_BY_PLAYS: nearness(sound, cold, played),
        REGRESSION: regressed(music, cold, counts, warm=sorted(split.train), recipe=recipe),
    }
    factors, _ = fit_sessions(warm, recipe)
    listener = to_interactions(warm).only_tracks(factors.tracks.ids)
    folded = fold_in_users(factors, listener, config=recipe.factors).vectors[0]
    known = [i for i in factors.tracks.ids if i in artists]
    targets = factors.tracks.take(known)
    mixed = Embeddings(known, targets.vectors[rng.permutation(len(known))])
    user = factors.users.vectors[0]
    placed = predicted(music, targets, cold, recipe=recipe)
    scores[SESSIONS], scores[FOLDED] = placed @ user, placed @ folded
    scores[SHUFFLED] = predicted(music, mixed, cold, recipe=recipe) @ user
    return scores, relevant, len(factors.by_row.users)


def most_played(counts: np.ndarray) -> np.ndarray:
    """Mark the most played `RELEVANT_FRACTION`, without unplayed tracks : [shape=(n,)]."""
    n = max(1, round(RELEVANT_FRACTION * len(counts)))
    least = max(np.sort(counts)[-n], 1.0)
    return np.asarray(counts >= least)


def predicted(
    music: TrackData, targets: Embeddings, cold: list[str], *, recipe: Recipe
) -> np.ndarray:
    """Predict factors of held-out tracks by the content model : [shape=(n_cold, d)]."""
    result = train(
        music.store,
        targets,
        artists=music.artists,
        model=ModelConfig(encoder=ENCODER),
        config=recipe.train,
        features=music.features,
        duplicates=dict(music.duplicates),
    )
    made = embed_store(result.model, music.store, ids=cold, features=music.features)
    return made.vectors * np.float32(result.model.output_scale)


def regressed(
    music: TrackData,
    cold: list[str],
    counts: Mapping[str, float],
    *,
    warm: list[str],
    recipe: Recipe,
) -> np.ndarray:
    """Predict log plays by ridge regression from features : np.ndarray [shape=(n_cold,)]."""
    features = music.features.take(blocks_of(ModelConfig(encoder=ENCODER)))
    wanted = np.log1p([[counts.get(i, 0.0)] for i in warm])
    fitted = fit_ridge(
        features.features(warm).vectors,
        wanted,
        groups=[music.artists[i] for i in warm],
        seed=recipe.train.seed,
    )
    return fitted.predict(features.features(cold).vectors)[:, 0]


def sound_space(features: FeatureStore) -> Embeddings:
    """Compute vectors as in the recipe ``library``: standardised features, of unit norm."""
    rows = features.take(CONTENT_BLOCKS).features()
    spread = rows.vectors.std(axis=0)
    standard = (rows.vectors - rows.vectors.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    return Embeddings(rows.ids, unit_norm(standard))


def nearness(sound: Embeddings, cold: list[str], weights: Mapping[str, float]) -> np.ndarray:
    """Compute cosines to the weighted mean of played tracks : np.ndarray [shape=(n_cold,)]."""
    played = sorted(weights)
    if not played:
        return np.zeros(len(cold))
    mean = np.average(sound.take(played).vectors, axis=0, weights=[weights[i] for i in played])
    return np.asarray(sound.take(cold).vectors @ mean)


def _table(values: dict[str, list[list[float]]], *, n_sessions: int, recipe: Recipe) -> StudyTable:
    measured = {name: np.array(rows) for name, rows in values.items()}
    n = len(measured[SESSIONS])
    rows = []
    for name in sorted(measured, key=lambda name: -measured[name][:, 0].mean()):
        row: dict[str, float | str | Interval] = {"system": name}
        for column, metric in enumerate(METRICS):
            row[metric] = float(measured[name][:, column].mean())
            if name == SESSIONS:
                continue
            ahead = (measured[SESSIONS] - measured[name])[:, column, None]
            drawn = resampled_means(ahead, n_resamples=N_RESAMPLES, seed=0)[:, 0]
            row[f"sessions ahead, {metric}"] = interval(drawn)
        rows.append(row)
    config = recipe.factors
    columns = ("system", *METRICS, *(f"sessions ahead, {metric}" for metric in METRICS))
    return StudyTable(
        f"One listener's history alone, artist-cold: {n} listeners",
        columns,
        tuple(rows),
        (
            f"Sessions: {n_sessions / n:.0f} a listener; {config.factors} factors, regularization "
            f"{config.regularization:g}. Right: the {RELEVANT_FRACTION:.0%} of the held-out tracks "
            "that the listener plays most.",
            "Sessions ahead: 95 % interval of the mean difference, listeners resampled.",
        ),
        {"n_listeners": n},
    )
