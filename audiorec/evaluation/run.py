"""Held-out evaluation of spectrograms, plays and a recipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache as remember
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from audiorec.evaluation.comparison import compare_systems
from audiorec.evaluation.data import EvaluationData, prepare_data
from audiorec.evaluation.encoder_inputs import InputsOf, no_pretrained
from audiorec.evaluation.holdout import (
    Holdout,
    HoldoutKey,
    check_holdouts,
    holdout_keys,
    prepare,
    splits_of,
)
from audiorec.evaluation.holdout_scores import HoldoutScores
from audiorec.evaluation.holdout_summary import KIND as SUMMARY
from audiorec.evaluation.holdout_summary import HoldoutSummary, kept_summary
from audiorec.evaluation.report import Report, SplitReport
from audiorec.evaluation.score_cache import ScoreCache, score_all
from audiorec.evaluation.systems import System, chosen_systems
from audiorec.pipeline import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel import MelStore


def evaluate(
    store: MelStore,
    plays: pl.DataFrame,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    work_directory: Path | None = None,
    systems: Sequence[str] | None = None,
    more_systems: Mapping[str, System] | None = None,
    truth: Path | None = None,
    inputs_of: InputsOf = no_pretrained,
    frozen: Collection[str] = (),
    held_out_from: Collection[str] = (),
    progress: Progress = silent,
) -> Report:
    """Hold tracks out, learn from the rest, and rank the held-out ones for their listeners.

    Parameters
    ----------
    store : MelStore
        Log-mel spectrograms.
    plays : polars.DataFrame
        Columns user_id, track_id, plays; may include tracks outside the catalogue.
    tracks : sequence of Track
        The catalogue.
    recipe : Recipe
        Its section `evaluate` sets splits, seeds and folds; `factors`, `model` and `train` set how
        the rest is learned.
    work_directory : Path, optional
        Cache of the scores of each split, seed and system, so that a killed evaluation can be
        continued, and a finished one returns at once.
    systems : sequence of str, optional
        Names from `SYSTEMS`; by default the recipe's own model and all but those evaluated only
        on request. Random and ALS fold-in are always included, since every share is measured
        between the two.
    more_systems : mapping of str to System, optional
        Further systems, by name.
    truth : Path, optional
        ``truth.npz`` of a synthetic world, which adds the ridge on true attributes.
    inputs_of : callable, optional
        Returns spectrograms and features for pretrained encoders, called only if there is
        something to score; see `audiorec.evaluation.encoder_inputs`.
    frozen : collection of str
        Artists held out together in one more split, "frozen artists", which no choice was based
        on.
    held_out_from : collection of str
        Artists who may be held out; by default all. The others are for training only.
    progress : Progress

    Returns
    -------
    report : Report

    Raises
    ------
    ParameterError
        If a system is unknown, the catalogue cannot be split, or no held-out track has audio.
    DataError
        If there are no plays, no listener with a history, or nobody to score.
    ArtifactError
        If there are no mels.
    """
    wanted = chosen_systems(systems, recipe=recipe, with_truth=truth is not None)
    wanted |= more_systems or {}
    data = prepare_data(
        store,
        plays,
        tracks,
        recipe=recipe,
        truth=truth,
        inputs_of=inputs_of,
        frozen=frozen,
        held_out_from=held_out_from,
    )
    check_holdouts(data)
    chosen, skipped = applicable(wanted, data)
    cache = ScoreCache(work_directory)
    plan = {split: list(holdout_keys(data, split=split)) for split in splits_of(data)}
    total, done = sum(map(len, plan.values())) * len(chosen), 0
    reports: list[SplitReport] = []
    for split, keys in plan.items():
        start = time.monotonic()
        table: dict[HoldoutKey, dict[str, HoldoutScores]] = {}
        summaries: list[HoldoutSummary] = []
        for key in keys:
            progress("evaluate", done, total, str(key))
            table[key], summary = score_holdout(data, key, chosen, cache=cache, progress=progress)
            summaries.append(summary)
            done += len(chosen)
        reports.append(
            compare_systems(
                split,
                table,
                summaries,
                config=recipe.evaluate,
                roles={name: system.role for name, system in chosen.items()},
                skipped=skipped,
                unit_norm=recipe.train.unit_norm,
                seconds=time.monotonic() - start,
                tracks=data.tracks,
            )
        )
    progress("evaluate", total, total)
    return Report(tuple(reports))


def applicable(
    systems: Mapping[str, System], data: EvaluationData
) -> tuple[dict[str, System], dict[str, str]]:
    """Return the systems applicable to the data, and the reasons for the others."""
    reasons = {name: system.inapplicable(data) for name, system in systems.items()}
    return (
        {name: system for name, system in systems.items() if reasons[name] is None},
        {name: reason for name, reason in reasons.items() if reason is not None},
    )


def score_holdout(
    data: EvaluationData,
    key: HoldoutKey,
    systems: Mapping[str, System],
    *,
    cache: ScoreCache,
    progress: Progress = silent,
) -> tuple[dict[str, HoldoutScores], HoldoutSummary]:
    """Score every system in a hold-out, which is prepared only if a score is missing."""
    holdout = remember(partial(with_factors, data, key, progress=progress))
    scores = score_all(data, key, systems, cache=cache, holdout=holdout, progress=progress)
    return scores, summary_kept(data, key, cache=cache, holdout=holdout)


def summary_kept(
    data: EvaluationData, key: HoldoutKey, *, cache: ScoreCache, holdout: Callable[[], Holdout]
) -> HoldoutSummary:
    """Return the summary of a hold-out, stored beside its scores."""
    return kept_summary(cache.holdout_path(data, key, kind=SUMMARY), holdout)


def with_factors(data: EvaluationData, key: HoldoutKey, *, progress: Progress) -> Holdout:
    """Prepare a hold-out with its factors, so that no system's time includes them."""
    holdout = prepare(data, key)
    progress("factors", 0, None, str(key))
    _ = holdout.targets
    return holdout
