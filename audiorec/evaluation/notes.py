"""Notes on an evaluation's tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from audiorec import metrics
from audiorec.evaluation.holdout import HoldoutKey
from audiorec.evaluation.holdout_scores import HEADLINE, SCORINGS, HoldoutScores
from audiorec.evaluation.systems import ORACLE, RANDOM
from audiorec.evaluation.systems.controls import PLAY_COUNT_OF_HALF_A, POPULARITY_OF_TEST_TRACKS
from audiorec.evaluation.text_tables import count
from audiorec.pipeline import EvaluateConfig


def notes(
    table: Mapping[HoldoutKey, Mapping[str, HoldoutScores]],
    means: np.ndarray,
    shares: np.ndarray,
    *,
    skipped: Mapping[str, str],
    unit_norm: bool,
    config: EvaluateConfig,
    suspects: Sequence[int],
) -> Iterator[str]:
    """Return notes of one or two sentences each.

    Parameters
    ----------
    table : mapping of HoldoutKey to (mapping of str to HoldoutScores)
    means, shares : np.ndarray [shape=(n_systems, n_metrics)]
        By the headline scoring.
    skipped : mapping of str to str
        Systems that are not applicable, with the reasons.
    unit_norm : bool
        Whether regressions learned factors of unit norm.
    config : EvaluateConfig
    suspects : sequence of int
        Number of listeners left out of each hold-out.
    """
    names = list(next(iter(table.values())))
    scope = (
        f"{config.folds} folds" if config.folds else f"{100 * config.test_fraction:.3g} % held out"
    )
    yield (
        f"Every held-out track with audio is ranked for each listener of half B who played one; "
        f"{scope}, {count(len(config.seeds), 'seed')}; tied scores count as their mean over all "
        "orders."
    )
    other = next(scoring for scoring in SCORINGS if scoring != HEADLINE)
    yield (
        f"Scored by the {HEADLINE}, as recommendations are; beside it by the {other}. Share = "
        f"(system - random) / ({ORACLE} - random), each scoring by its own."
    )
    yield (
        f"Intervals: 95 %, {metrics.N_RESAMPLES} resamples of listeners and of artists, each drawn "
        "once for all seeds and folds; +/- is the deviation over hold-outs. All differences of a "
        "metric lie within theirs at once (max-t)."
    )
    if unit_norm:
        yield "The regressions and the models learn factors of length 1."
    if POPULARITY_OF_TEST_TRACKS in names:
        yield f"{POPULARITY_OF_TEST_TRACKS} has seen the very plays that it is scored on."
    if PLAY_COUNT_OF_HALF_A in names:
        yield f"{PLAY_COUNT_OF_HALF_A} knows what the oracle knows, except listeners' tastes."
    for name in names:
        facts = [scores[name].facts for scores in table.values()]
        for fact in facts[0]:
            values = [f[fact] for f in facts]
            yield f"{name}: {fact} {_range(values)}."
    if any(suspects):
        yield (
            f"{_range(list(map(float, suspects)))} suspect listeners are left out: nothing is "
            "learned from them and they are not scored; 'audiorec status --suspects' names them."
        )
    for name, why in skipped.items():
        yield f"{name} is left out: {why}."
    rows = zip(
        metrics.METRICS, shares[names.index(ORACLE)], means[names.index(RANDOM)], strict=True
    )
    for metric, share, chance in rows:
        # With fewer candidates than ranks, every order gives 1, which needs no note.
        if not np.isfinite(share) and chance < 1 - 1e-9:
            yield f"{metric}: {ORACLE} is no better than random, so no share is given."


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
