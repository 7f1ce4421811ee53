"""Score cache: stored scores of systems, keyed by a digest of all their inputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from audiorec import artifacts, metrics
from audiorec.evaluation.beyond_accuracy import DrawDetails
from audiorec.evaluation.data import EvaluationData
from audiorec.evaluation.holdout import Holdout, HoldoutKey
from audiorec.evaluation.holdout_scores import SCORINGS, HoldoutScores, score
from audiorec.evaluation.systems import System, WorkDir
from audiorec.exceptions import ArtifactError, NewerError
from audiorec.pipeline import Recipe
from audiorec.progress import Progress

KIND = "scores"
VERSION = 5  # raised when a change outside the systems' modules affects scores


class ScoreCache:
    """Cache of scores, keyed by a digest of all their inputs.

    Parameters
    ----------
    directory : Path or None
        None stores nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def find(
        self, data: EvaluationData, key: HoldoutKey, name: str, system: System
    ) -> HoldoutScores | None:
        """Load stored scores; None if they are missing or damaged."""
        place = self.path(data, key, name, system)
        if place is None:
            return None
        try:
            manifest = artifacts.load_manifest(place, kind=KIND, check="digests")
            arrays = {
                entry: artifacts.load_array(place, manifest, entry, mmap=False)
                for entry in manifest.files
            }
        except NewerError:
            raise
        except ArtifactError:
            return None
        values, effects = arrays.pop("values"), arrays.pop("effects")
        return HoldoutScores(
            values=values, effects=effects, details=DrawDetails(**arrays), **manifest.extra
        )

    def keep(
        self,
        data: EvaluationData,
        key: HoldoutKey,
        name: str,
        system: System,
        scores: HoldoutScores,
    ) -> None:
        """Store scores."""
        place = self.path(data, key, name, system)
        if place is None:
            return
        artifacts.save(
            place,
            kind=KIND,
            arrays={
                "values": scores.values,
                "effects": scores.effects,
                **scores.details.arrays(),
            },
            config={"split": key.split, "seed": key.seed, "fold": key.fold, "system": name},
            inputs=_score_inputs(data, key, name, system),
            extra={
                "facts": scores.facts,
                "seconds": scores.seconds,
                "n_cold": scores.n_cold,
                "figures": scores.figures,
                "history": scores.history,
            },
        )

    def work(self, data: EvaluationData, key: HoldoutKey, *, progress: Progress) -> WorkDir:
        """Return the directory for the systems' state of a hold-out until all are scored."""
        if self.directory is None:
            return WorkDir(None, progress)
        digest = artifacts.fingerprint([data.fingerprint, key])
        return WorkDir(self.directory / f"{digest}.state", progress)

    def path(
        self, data: EvaluationData, key: HoldoutKey, name: str, system: System, *, kind: str = KIND
    ) -> Path | None:
        """Return the directory of a system's results for a hold-out; None without a cache."""
        inputs = (_score_inputs if kind == KIND else _inputs)(data, key, name, system)
        return self._cache_directory(system.cache_name or name, inputs, kind=kind)

    def holdout_path(self, data: EvaluationData, key: HoldoutKey, *, kind: str) -> Path | None:
        """Return the directory of a hold-out's own data; None without a cache."""
        settings = artifacts.fingerprint(_holdout_settings(data.recipe, key))
        inputs = {"data": data.fingerprint, "settings": settings, "version": str(VERSION)}
        return self._cache_directory("", inputs, kind=kind)

    def _cache_directory(self, name: str, inputs: Mapping[str, str], *, kind: str) -> Path | None:
        if self.directory is None:
            return None
        words = name if kind == KIND else f"{name} {kind}"
        slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
        return self.directory / f"{slug}-{artifacts.fingerprint(dict(inputs))}"


def score_all(
    data: EvaluationData,
    key: HoldoutKey,
    systems: Mapping[str, System],
    *,
    cache: ScoreCache,
    holdout: Callable[[], Holdout],
    progress: Progress,
) -> dict[str, HoldoutScores]:
    """Score every system in a hold-out, which is made only if a score is missing.

    Learned state is kept until all scores exist, so that a killed run can continue.
    """
    scores: dict[str, HoldoutScores] = {}
    work = cache.work(data, key, progress=progress)
    missing = False
    for name, system in systems.items():
        kept = cache.find(data, key, name, system)
        if kept is None:
            missing = True
            kept = score(holdout(), system, work=work)
            cache.keep(data, key, name, system, kept)
        scores[name] = kept
    if missing:
        work.clear()
    return scores


def _inputs(data: EvaluationData, key: HoldoutKey, name: str, system: System) -> dict[str, str]:
    """Compute digests of all inputs of a system's prediction for a hold-out."""
    recipe = system.settings(data.recipe)
    settings = _holdout_settings(recipe, key) | {
        name: getattr(recipe, name).model_dump(mode="json") for name in system.sections
    }
    if system.reads_truth and data.truth is not None:
        settings["truth"] = artifacts.fingerprint(data.truth.vectors.tobytes())
    return {
        "data": data.fingerprint,
        "settings": artifacts.fingerprint(settings),
        "system": f"{system.cache_name or name}, version {VERSION}, {system.source}",
    }


def _score_inputs(
    data: EvaluationData, key: HoldoutKey, name: str, system: System
) -> dict[str, str]:
    """Add the meaning of the scores' axes to `_inputs`."""
    axes = {"scorings": ", ".join(SCORINGS), "metrics": ", ".join(metrics.METRICS)}
    return _inputs(data, key, name, system) | axes


def _holdout_settings(recipe: Recipe, key: HoldoutKey) -> dict[str, Any]:
    """Return the recipe's settings that a hold-out depends on, besides the filtered plays."""
    settings = {
        "split": key.split,
        "seed": key.seed,
        "fold": None if key.fold is None else [key.fold, recipe.evaluate.folds],
        "test_fraction": recipe.evaluate.test_fraction if key.fold is None else None,
        "factors": recipe.factors.model_dump(mode="json"),
    }
    if recipe.evaluate.rank_by != "tracks":
        settings["rank"] = recipe.evaluate.rank_by
    if key.labels < 1:
        settings["labels"] = key.labels
    return settings
