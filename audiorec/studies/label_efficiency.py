"""Label efficiency: hold-outs in which only some of the training tracks have factors.

The factors are those of all training plays, and candidates, listeners and both ends of the scale
stay the same; but a system learns only from the factors of some of the tracks. Tracks that keep
their factors are drawn individually; see `audiorec.evaluation.holdout.with_labels`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache as remember
from functools import partial
from typing import Any

import numpy as np

from audiorec import metrics
from audiorec.evaluation import HoldoutKey, holdout_keys
from audiorec.evaluation.holdout import n_labelled, with_labels
from audiorec.evaluation.holdout_scores import HEADLINE, SCORINGS, HoldoutScores
from audiorec.evaluation.holdout_summary import HoldoutSummary
from audiorec.evaluation.run import applicable, summary_kept, with_factors
from audiorec.evaluation.score_cache import ScoreCache, score_all
from audiorec.evaluation.systems import (
    MEL_STATISTICS,
    ORACLE,
    RANDOM,
    System,
    chosen_systems,
    name_of,
)
from audiorec.evaluation.text_tables import FOCUS
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.tables import StudyReport, StudyTable

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
ENDS = (RANDOM, ORACLE)
LEARNING = ("baseline", "model")


def run(study: StudyInputs) -> StudyReport:
    """Score systems trained on some of the labels, on every kind of split of the recipe.

    Raises
    ------
    TrainingError
        If there are too few labels to learn from.
    ParameterError
        If a system learns nothing from labels.
    """
    wanted = study.systems or (MEL_STATISTICS, name_of(study.recipe))
    chosen = chosen_systems(list(wanted), recipe=study.recipe, with_truth=study.truth is not None)
    for name, system in chosen.items():
        if name not in ENDS and system.role not in LEARNING and not system.reads_truth:
            raise ParameterError(f"system {name!r} learns nothing from labels; leave it out")
    systems, skipped = applicable(chosen, study.data)
    if set(systems) <= set(ENDS):
        why = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise ParameterError(f"nothing is left to score ({why}); ask for another system")
    notes = (
        "Labelled: training tracks whose factors are learned from, drawn by the seed, those of "
        "fewer among those of more; factors, listeners, new tracks and oracle are those of all.",
        f"Share of {ORACLE}'s {FOCUS}, by the {HEADLINE}. Intervals: 95 %, listeners "
        "and artists drawn once for all hold-outs.",
        *(f"{name} is left out: {why}." for name, why in skipped.items()),
    )
    splits = study.recipe.evaluate.splits
    return StudyReport(tuple(_split(study, split, systems, notes) for split in splits))


def _split(
    study: StudyInputs, split: str, systems: Mapping[str, System], notes: tuple[str, ...]
) -> StudyTable:
    keys = list(holdout_keys(study.data, split=split))
    cache = ScoreCache(study.work_directory)
    scored, summaries = [], []
    for key in keys:
        scores, summary = _score(study, key, systems, cache=cache)
        scored.append(scores)
        summaries.append(summary)
    n_training = round(np.mean([len(summary.warm) for summary in summaries]))
    columns = ("system", "labelled", "share", "interval", "AUC", "seconds")
    return StudyTable(
        f"{split}, by labelled tracks: {len(keys)} hold-outs, {n_training} training tracks",
        columns,
        tuple(_rows(scored, summaries)),
        notes,
        {"split": split, "metric": FOCUS},
    )


Scored = dict[tuple[str, float], HoldoutScores]
"""Values by system and share of the training tracks; 0 for systems without training."""


def _score(
    study: StudyInputs, key: HoldoutKey, systems: Mapping[str, System], *, cache: ScoreCache
) -> tuple[Scored, HoldoutSummary]:
    holdout = remember(partial(with_factors, study.data, key, progress=study.progress))
    summary = summary_kept(study.data, key, cache=cache, holdout=holdout)
    ends = {name: systems[name] for name in ENDS}
    score = partial(score_all, cache=cache, progress=study.progress)
    cold_scores = score(study.data, key, ends, holdout=holdout)
    scored: Scored = {(name, 0): scores for name, scores in cold_scores.items()}
    rest = {name: system for name, system in systems.items() if name not in ENDS}
    for share in shares_of(study.labels or SHARES, n_training=len(summary.warm)):
        few = key._replace(labels=share)
        part = remember(lambda share=share: with_labels(holdout(), share))
        try:
            cold_scores = score(study.data, few, rest, holdout=part)
        except TrainingError as error:
            raise TrainingError(f"{few}: {error}; or ask for more labels") from None
        scored |= {(name, share): scores for name, scores in cold_scores.items()}
    return scored, summary


def shares_of(labels: Sequence[float], *, n_training: int) -> tuple[float, ...]:
    """Convert labels to ascending shares of the training tracks; above 1 they are counts."""
    shares = {min(1.0, label / n_training) if label > 1 else label for label in labels}
    if not all(share > 0 for share in shares):
        raise ParameterError(f"labels={list(labels)} must be above 0")
    return tuple(sorted(shares | {1.0}))


def _rows(
    scored: Sequence[Scored], summaries: Sequence[HoldoutSummary]
) -> Iterator[dict[str, Any]]:
    headline = SCORINGS.index(HEADLINE)
    names = list(metrics.METRICS)
    focus, auc = names.index(FOCUS), names.index("AUC")
    by_place = [list(one.items()) for one in scored]  # numbers of labels differ between hold-outs
    cells = [
        metrics.HoldoutValues(
            np.stack([s.values[:, headline, focus].mean(axis=0) for _, s in one], axis=1),
            summary.users,
            np.stack([s.effects[headline, focus] for _, s in one], axis=1),
            summary.groups,
        )
        for one, summary in zip(by_place, summaries, strict=True)
    ]
    means = np.mean([np.nanmean(cell.values, axis=0) for cell in cells], axis=0)
    samples = metrics.two_way(cells)
    share, drawn = _shares(means), _shares(samples.T)
    for place, ((name, _), _) in enumerate(by_place[0]):
        if name in ENDS:
            continue
        each = [one[place][1] for one in by_place]
        counts = [
            n_labelled(len(summary.warm), one[place][0][1])
            for one, summary in zip(by_place, summaries, strict=True)
        ]
        yield {
            "system": name,
            "labelled": str(round(np.mean(counts))),
            "share": float(share[place]),
            "interval": metrics.interval(drawn[place]),
            "AUC": float(np.mean([np.nanmean(s.values[:, headline, auc]) for s in each])),
            "seconds": f"{sum(s.seconds for s in each):.0f}",
        }


def _shares(values: np.ndarray) -> np.ndarray:
    """Compute shares of the oracle, random and oracle first; NaN if the oracle is no better."""
    span = values[1] - values[0]
    shares: np.ndarray = (values - values[0]) / np.where(span > 1e-9, span, np.nan)
    return shares
