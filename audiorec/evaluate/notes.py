"""What a reader of an evaluation's tables should know, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from audiorec import metrics
from audiorec.data.config import EvaluateConfig
from audiorec.evaluate.protocol import Cell
from audiorec.evaluate.scores import HEADLINE, CellScores
from audiorec.evaluate.systems import ORACLE, RANDOM
from audiorec.evaluate.table import count

METRICS = tuple(metrics.METRICS)


def notes(
    table: Mapping[Cell, Mapping[str, CellScores]],
    means: np.ndarray,
    shares: np.ndarray,
    *,
    skipped: Mapping[str, str],
    unit_norm: bool,
    config: EvaluateConfig,
    suspects: Sequence[int],
) -> Iterator[str]:
    """One sentence or two each.

    Parameters
    ----------
    table : mapping of Cell to (mapping of str to CellScores)
    means, shares : np.ndarray [shape=(n_systems, n_metrics)]
        By the headline scoring.
    skipped : mapping of str to str
        Systems that have nothing to say, and why.
    unit_norm : bool
        Whether regressions learned factors of length 1.
    config : EvaluateConfig
    suspects : sequence of int
        How many listeners each cell left out.
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
    yield (
        f"Headline scoring: {HEADLINE}. Share = (system - random) / (honest oracle - random), the "
        f"oracle's {HEADLINE} for both scorings. Intervals: 95 %, {config.n_bootstrap} resamples "
        "of the listeners within each seed and fold; what other tracks would change is in the "
        "deviation over hold-outs."
    )
    if unit_norm:
        yield "The regressions and the network learn factors of length 1."
    if "popularity (leaky)" in names:
        yield "popularity (leaky) has seen the very plays that it is scored on."
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
    told = zip(METRICS, shares[names.index(ORACLE)], means[names.index(RANDOM)], strict=True)
    for metric, share, chance in told:
        # Where there are fewer candidates than places, every order gives 1, which goes unsaid.
        if not np.isfinite(share) and chance < 1 - 1e-9:
            yield f"{metric}: the honest oracle is no better than random, so no share is told."


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
