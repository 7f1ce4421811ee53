"""Accuracy of session models in next-track prediction, for played and for new tracks.

The last days' sessions are the test set. A fifth of the artists is new: their plays are removed
from training, but kept in the test set. The next track is ranked among all tracks, ties counted
against it; warm tracks among the warm ones only, so that systems that can recommend new tracks are
comparable with those that cannot.
GRU4Rec has the settings of the stage, and as many epochs as its bounds allow. Content vectors are
untrained: statistics of spectrograms, imported vectors, or the truth of a synthetic world.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data import Sessions, load_sessions, split_by_time, split_tracks
from audiorec.data.catalog import Catalog
from audiorec.data.plays import find_suspects, load_plays
from audiorec.data.sessions import MIN_SUPPORT
from audiorec.embeddings import Embeddings
from audiorec.evaluation import mel_statistics
from audiorec.evaluation.report import plain_json
from audiorec.exceptions import DataError
from audiorec.mel import MelStore
from audiorec.progress import Progress
from audiorec.sessions import (
    AssociationRules,
    ContentNeighbours,
    GRU4RecConfig,
    GRUModel,
    Popularity,
    SequentialRules,
    SessionModel,
    SessionNeighbours,
    SessionPopularity,
    SessionsConfig,
    rank_next_items,
    train_gru4rec,
)
from audiorec.sessions.cold_start import place_by_content
from audiorec.sessions.comparison import VALIDATION_DAYS, bounded_settings
from audiorec.sessions.content_pca import ContentSpace, ItemContent, content_of
from audiorec.sessions.metrics import CUTOFF
from audiorec.studies.inputs import StudyInputs
from audiorec.workspace import Workspace

COLD_FRACTION = 0.2  # share of the artists
MAX_TEST = 2000  # test sessions
N_BOOTSTRAP = 1000
GROUPS = ("all", "warm", "cold")
GRU, WITH_CONTENT, BESIDE = "gru4rec", "gru4rec with content", "content neighbours"
Fits = Mapping[str, Callable[[Sessions], SessionModel]]


class SystemPredictions(NamedTuple):
    """Predictions of one system in the test sessions.

    Attributes
    ----------
    hits, reciprocal_ranks : np.ndarray [shape=(n_sessions, n_groups)]
        Sums over the positions of each session, by `GROUPS`.
    counts : np.ndarray [shape=(n_sessions, n_groups)]
        Number of positions.
    coverage : float
        Share of all tracks that were in the top `CUTOFF` at least once.
    popularity : float
        Mean share of tracks that are played less than the recommended ones.
    training_seconds, answer_microseconds : float
    """

    hits: np.ndarray
    reciprocal_ranks: np.ndarray
    counts: np.ndarray
    coverage: float
    popularity: float
    training_seconds: float
    answer_microseconds: float


class SessionsReport(NamedTuple):
    """Figures of all systems, means over seeds.

    Attributes
    ----------
    systems : dict of str to dict of str to float
        ``hr@20_all``, ``mrr@20_cold``, ..., and ``..._low`` and ``..._high`` of 95 % intervals
        by session.
    differences : dict of str to dict of str to float
        Differences of two systems at the same positions, with intervals.
    facts : dict of str to value
    """

    systems: dict[str, dict[str, float]]
    differences: dict[str, dict[str, float]]
    facts: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON; unknown values are null."""
        return {
            "study": "sessions", **self.facts, "systems": plain_json(self.systems),
            "differences": plain_json(self.differences),
        }  # fmt: skip

    def to_text(self) -> str:
        """Format as a table."""
        facts = self.facts
        lines = [
            f"{facts['n_train']} sessions to learn from, {facts['n_test']} of the last days to "
            f"predict; {facts['n_tracks']} tracks, {facts['n_cold']} of them new; content: "
            f"{facts['content']}; {facts['n_seeds']} seeds; intervals of 95 % by session",
            "",
            f"{'HR@20 / MRR@20':22} {'all tracks':>15} {'warm':>15} {'new':>15} "
            f"{'coverage':>9} {'popular':>8} {'train s':>8} {'us':>6}",
        ]
        for name, row in self.systems.items():
            cells = [
                f"{_format(row[f'hr@20_{g}'])} / {_format(row[f'mrr@20_{g}'])}".rjust(15)
                for g in GROUPS
            ]
            lines.append(
                f"{name:22} {' '.join(cells)} {row['coverage']:9.3f} {row['popularity']:8.3f} "
                f"{row['training_seconds']:8.1f} {row['answer_microseconds']:6.0f}"
            )
        lines.append("")
        lines += [
            f"{name}: {row['value']:+.3f} [{row['low']:+.3f} .. {row['high']:+.3f}]"
            for name, row in self.differences.items()
        ]
        return "\n".join(lines)


def run(study: StudyInputs) -> SessionsReport:
    """Evaluate the session models of a workspace.

    Raises
    ------
    ArtifactError, DataError
        If there are no plays, or no sessions.
    """
    workspace = study.workspace
    content, called = _content(workspace, study.truth)
    config: SessionsConfig = study.recipe.sessions
    suspects = find_suspects(load_plays(workspace.plays), config=study.recipe.interactions)
    sessions = load_sessions(
        workspace.plays,
        gap_minutes=config.session_gap_minutes,
        min_support=MIN_SUPPORT,
        without_users=suspects.users,
    )
    report = evaluate_sessions(
        sessions,
        gru=bounded_settings(sessions, config),
        content=content,
        artists=_artists(workspace),
        seeds=study.recipe.evaluate.seeds,
        progress=study.progress,
    )
    return report._replace(facts={**report.facts, "content": called})


def evaluate_sessions(
    sessions: Sessions,
    *,
    gru: GRU4RecConfig,
    content: Embeddings | None,
    artists: Mapping[str, str],
    seeds: Sequence[int],
    progress: Progress,
) -> SessionsReport:
    """Evaluate session models, with different new artists and draws for every seed.

    Parameters
    ----------
    sessions : Sessions
    gru : GRU4RecConfig
        Settings; the seed is replaced by that of each evaluation.
    content : Embeddings, optional
        Content vectors of tracks; tracks without one cannot be new, or predicted by content.
    artists : mapping of str to str
        Artist of each track; a track without one gets its own.
    seeds : sequence of int
    progress : Progress

    Raises
    ------
    DataError
        If there are too few sessions to hold any out.
    """
    if content is not None:
        sessions = sessions.with_items(sorted({*sessions.item_ids, *content.ids}))
    train, test = split_by_time(sessions, days=VALIDATION_DAYS, seed=gru.seed)
    test = test.take(np.arange(min(len(test), MAX_TEST)))
    answers: dict[str, list[SystemPredictions]] = {}
    n_cold = 0
    for seed in seeds:
        cold = _cold_rows(train, content, artists, seed=seed)
        n_cold = int(cold.sum())
        warm_train = train.only_events(~cold[train.items])
        scored = test.only_events((warm_train.supports > 0)[test.items] | cold[test.items])
        if not len(scored) or not len(warm_train):
            raise DataError(
                f"{len(sessions)} sessions are too few to hold some out; import more listening"
            )
        for name, fit in _trainers(content, gru, seed).items():
            progress("evaluate", 0, None, f"seed {seed}: {name}")
            answers.setdefault(name, []).append(_answers(fit, warm_train, scored, cold))
    facts = {
        "split": "last days", "n_train": len(train), "n_test": len(test),
        "n_tracks": sessions.n_items, "n_cold": n_cold, "n_seeds": len(seeds),
    }  # fmt: skip
    systems, samples = _summarised(answers)
    return SessionsReport(systems, _differences(systems, samples), facts)


def _content(workspace: Workspace, truth: Path | None) -> tuple[Embeddings | None, str]:
    """Return content vectors that were not learned from plays, and their name."""
    if truth is not None:
        arrays = np.load(truth, allow_pickle=False)
        return Embeddings(arrays["track_ids"].tolist(), arrays["audible"]), "true attributes"
    if artifacts.exists(workspace.mels):
        store = MelStore(workspace.mels)
        return mel_statistics(store, store.ids), "mean and deviation of mel bands"
    made = artifacts.load_valid(workspace.embeddings, kind="embeddings")
    if made is not None and "imported" in made.extra:
        return Embeddings.load(workspace.embeddings), f"vectors of {made.extra['imported']}"
    return None, "none"


def _artists(workspace: Workspace) -> dict[str, str]:
    if not workspace.catalog.exists():
        return {}
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return catalog.artists()


def _cold_rows(
    train: Sessions, content: Embeddings | None, artists: Mapping[str, str], *, seed: int
) -> np.ndarray:
    """Mark the items by new artists : np.ndarray [shape=(n_items,)], bool."""
    if content is None:
        return np.zeros(train.n_items, dtype=bool)
    ids = [id_ for id_ in train.item_ids if id_ in content]
    cold = set(split_tracks(ids, artists, test_fraction=COLD_FRACTION, seed=seed).test)
    return np.fromiter((id_ in cold for id_ in train.item_ids), dtype=bool, count=train.n_items)


def _trainers(content: Embeddings | None, gru: GRU4RecConfig, seed: int) -> Fits:
    """Return the training functions of each system."""
    gru = gru.model_copy(update={"seed": seed})
    fits: dict[str, Callable[[Sessions], SessionModel]] = {
        "popularity": Popularity.fit,
        "session popularity": SessionPopularity.fit,
        "association rules": AssociationRules.fit,
        "rules": SequentialRules.fit,
        "sknn": lambda s: SessionNeighbours.fit(s, kind="sknn"),
        "vsknn": SessionNeighbours.fit,
        GRU: lambda s: GRUModel.from_network(train_gru4rec(s, config=gru)),
    }
    if content is not None:
        space = ContentSpace.fit(content.vectors)

        whole = ContentSpace.fit(content.vectors, most=content.dim)

        def of(sessions: Sessions, space: ContentSpace = space) -> ItemContent:
            return content_of(content, sessions.item_ids, space=space)

        fits[BESIDE] = lambda s: ContentNeighbours(of(s, whole).features)
        fits[WITH_CONTENT] = lambda s: place_by_content(
            GRUModel.from_network(train_gru4rec(s, config=gru)), s, of(s), seed=seed
        )
    return fits


def _answers(
    fit: Callable[[Sessions], SessionModel], train: Sessions, test: Sessions, cold: np.ndarray
) -> SystemPredictions:
    start = time.perf_counter()
    model = fit(train)
    training = time.perf_counter() - start
    ranked = rank_next_items(model, test, new=cold)
    is_cold = cold[ranked.targets]
    groups = np.stack([np.ones(len(is_cold), dtype=bool), ~is_cold, is_cold], axis=1)
    # Played tracks are ranked among such only: ranking new ones must not count as an error.
    ranks = np.stack([ranked.ranks, ranked.known_ranks, ranked.ranks], axis=1)
    hits = (ranks <= CUTOFF) * groups
    sums = {
        "hits": _by_session(hits, ranked.sessions, len(test)),
        "reciprocal_ranks": _by_session(hits / ranks, ranked.sessions, len(test)),
    }
    plays = train.supports
    less_played = np.searchsorted(np.sort(plays), plays) / max(len(plays) - 1, 1)
    shown = ranked.recommended
    return SystemPredictions(
        sums["hits"], sums["reciprocal_ranks"],
        _by_session(groups * 1.0, ranked.sessions, len(test)),
        float((shown > 0).mean()), float((less_played * shown).sum() / max(shown.sum(), 1)),
        training, 1e6 * ranked.seconds / max(len(ranked.ranks), 1),
    )  # fmt: skip


def _by_session(values: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    sums = np.zeros((n, values.shape[1]))
    np.add.at(sums, rows, values)
    return sums


Samples = dict[tuple[str, str, str], np.ndarray]


def _summarised(
    answers_by_system: Mapping[str, Sequence[SystemPredictions]],
) -> tuple[dict[str, dict[str, float]], Samples]:
    """Compute means with intervals, and every mean over resampled sessions.

    Resamples are the same for every system, so that two can be compared session by session.
    """
    systems: dict[str, dict[str, float]] = {}
    samples: Samples = {}
    for name, answers in answers_by_system.items():
        row: dict[str, float] = {}
        for g, group in enumerate(GROUPS):
            counts = [a.counts[:, g] for a in answers]
            for metric, field in (("hr@20", "hits"), ("mrr@20", "reciprocal_ranks")):
                sums = [getattr(a, field)[:, g] for a in answers]
                value, drawn = _resampled(sums, counts)
                samples[name, metric, group] = drawn
                row[f"{metric}_{group}"] = value
                ends = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(value) else [value] * 2
                row[f"{metric}_{group}_low"], row[f"{metric}_{group}_high"] = map(float, ends)
        for field in ("coverage", "popularity", "training_seconds", "answer_microseconds"):
            row[field] = float(np.mean([getattr(a, field) for a in answers]))
        systems[name] = row
    return systems, samples


def _resampled(
    sums: Sequence[np.ndarray], counts: Sequence[np.ndarray]
) -> tuple[float, np.ndarray]:
    """Compute the mean over all positions and seeds, and those of resampled sessions."""
    values, drawn = [], []
    for number, (s, c) in enumerate(zip(sums, counts, strict=True)):
        rng = np.random.default_rng(number)
        weights = rng.multinomial(len(s), np.full(len(s), 1 / len(s)), size=N_BOOTSTRAP)
        total = float(c.sum())
        values.append(float(s.sum()) / total if total else float("nan"))
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn.append((weights @ s) / (weights @ c))
    return float(np.mean(values)), np.mean(drawn, axis=0)


def _differences(systems: Mapping[str, Mapping[str, float]], samples: Samples) -> dict[str, Any]:
    """Compare systems with and without content, on new and on other tracks."""
    if WITH_CONTENT not in systems:
        return {}
    compared = [(BESIDE, "cold"), ("vsknn", "cold"), (GRU, "warm"), ("vsknn", "warm")]
    differences = {}
    for other, group in compared:
        for metric in ("hr@20", "mrr@20"):
            key = f"{metric}_{group}"
            drawn = samples[WITH_CONTENT, metric, group] - samples[other, metric, group]
            low, high = np.nanquantile(drawn, [0.025, 0.975])
            called = f"{metric.upper()} of {WITH_CONTENT} over {other}, {_called(group)} tracks"
            value = systems[WITH_CONTENT][key] - systems[other][key]
            differences[called] = {"value": value, "low": float(low), "high": float(high)}
    return differences


def _called(group: str) -> str:
    return "new" if group == "cold" else group


def _format(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"
