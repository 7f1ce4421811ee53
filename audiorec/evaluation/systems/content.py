"""Content models: an encoder and a head, learned from the training tracks alone.

A system here is a change of the recipe's sections [model] and [train], listed in `CHANGES`. The
recipe's own model is the system that its settings describe; `name_of` returns its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from audiorec.artifacts import fingerprint
from audiorec.embeddings import Embeddings
from audiorec.evaluation.data import EvaluationData
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems.artists import no_artists
from audiorec.evaluation.systems.base import PredictedVectors, Prediction, System, WorkDir
from audiorec.exceptions import ParameterError
from audiorec.factors import smooth_by_artist
from audiorec.models import (
    FIXED_ENCODER,
    PRETRAINED_ENCODERS,
    TRAINED_ENCODERS,
    ModelConfig,
    TrainConfig,
)
from audiorec.pipeline import Recipe

if TYPE_CHECKING:
    from audiorec.training import TrainResult

# Imports in functions: torch, needed only for training.

SMOOTHED = " + artist smoothing"
CNN = "cnn (from nothing)"
BASELINE = f"{FIXED_ENCODER} + ridge"
BASELINE_MLP = f"{FIXED_ENCODER} + mlp"
CACHE_NAME = "content model"

PRETRAINED = [name for name in PRETRAINED_ENCODERS if name != "musicnn-msd"]  # that is musicnn

LOSSES: tuple[str, ...] = get_args(TrainConfig.model_fields["loss"].annotation)

Change = Mapping[str, Any]
"""Settings of [model] and [train], by key."""


def _changes() -> dict[str, Change]:
    changes: dict[str, Change] = {
        BASELINE: {"encoder": FIXED_ENCODER, "head": "ridge"},
        BASELINE_MLP: {"encoder": FIXED_ENCODER, "head": "mlp"},
    }
    changes |= {f"{name} (from nothing)": {"encoder": name} for name in TRAINED_ENCODERS}
    for name in PRETRAINED:
        changes[f"{name} + ridge"] = {"encoder": name, "head": "ridge"}
        for loss in LOSSES:
            changes[f"{name} + mlp ({loss})"] = {"encoder": name, "head": "mlp", "loss": loss}
        changes[f"{name} fine-tuned"] = {"encoder": name, "finetune": 1, "max_epochs": 4}
    return changes


CHANGES: dict[str, Change] = _changes()


def changed(recipe: Recipe, change: Change) -> Recipe:
    """Change settings of [model] and [train] of a recipe, and drop those of other models.

    Mel settings stay: a system gets its spectrograms by `EvaluationData.inputs`.

    Raises
    ------
    ParameterError
        If a key is unknown, or a value invalid.
    """
    model, train = recipe.model.model_dump(), recipe.train.model_dump()
    model["target"] = ModelConfig().target  # a hold-out has listeners to learn from
    if change.get("encoder", recipe.model.encoder) != recipe.model.encoder:
        own = ModelConfig().model_dump()
        model |= {key: own[key] for key in ("head", "finetune")}
    for key, value in change.items():
        if key not in model and key not in train:
            known = ", ".join((*model, *train))
            raise ParameterError(f"unknown key {key} of the model; choose from {known}")
        (model if key in model else train)[key] = value
    sections = {"model": type(recipe.model)(**model), "train": type(recipe.train)(**train)}
    return recipe.model_copy(update=sections)


def name_of(recipe: Recipe) -> str:
    """Return the name of the recipe's own model."""
    model, encoder = recipe.model, recipe.model.encoder.removesuffix("-msd")
    encoder = model.encoder if encoder == "vgg" else encoder
    if model.finetune:
        return f"{encoder} fine-tuned"
    if model.target == "content" or (model.frozen and model.linear):
        return f"{encoder} + ridge"  # of a content target: its name with listeners
    if model.encoder == FIXED_ENCODER:
        return BASELINE_MLP
    return f"{encoder} + mlp ({recipe.train.loss})" if model.frozen else (
        f"{encoder} (from nothing)"
    )  # fmt: skip


def content_system(
    change: Change, *, own: bool = False, smoothed: bool = False, baseline: bool = False
) -> System:
    """Make the system of a recipe with some settings changed.

    Parameters
    ----------
    change : mapping
    own : bool
        Whether it is the recipe's own, evaluated by default.
    smoothed : bool
        Whether vectors are smoothed by the artist's other tracks.
    baseline : bool
        Whether it is a baseline, evaluated by default.
    """

    def settings(recipe: Recipe) -> Recipe:
        return recipe if own and recipe.model.target == "factors" else changed(recipe, change)

    def predict(holdout: Holdout, work: WorkDir) -> Prediction:
        recipe = settings(holdout.data.recipe)
        return _predict(holdout, work, recipe=recipe, smoothed=smoothed)

    def inapplicable(data: EvaluationData) -> str | None:
        encoder = settings(data.recipe).model.encoder
        reason = data.inputs(encoder).missing(data.audio) or _one_artist(data)
        return reason or (no_artists(data) if smoothed else None)

    predict.__doc__ = "A model of this encoder and head, learned from the training tracks alone."
    return System(
        predict,
        "baseline" if baseline else "model",
        sections=("model", "train"),
        inapplicable=inapplicable,
        by_name=not (own or baseline),
        settings=settings,
        cache_name=CACHE_NAME + (SMOOTHED if smoothed else ""),
    )


def trained(holdout: Holdout, work: WorkDir, *, recipe: Recipe) -> TrainResult:
    """Train a recipe's model, once for each hold-out."""
    from audiorec.training import train

    sections = [section.model_dump(mode="json") for section in (recipe.model, recipe.train)]
    key = fingerprint(sections)
    if key not in holdout.trained:
        data = holdout.data
        inputs = data.inputs(recipe.model.encoder)
        holdout.trained[key] = train(
            inputs.store,
            holdout.targets,
            features=inputs.features if recipe.model.frozen else None,
            artists={i: data.artists[i] for i in holdout.targets.ids},
            duplicates=data.duplicates,
            model=recipe.model,
            config=recipe.train.model_copy(update={"seed": holdout.key.seed}),
            work_directory=work.path(key),
            progress=work.progress,
        )
    return holdout.trained[key]


def _predict(holdout: Holdout, work: WorkDir, *, recipe: Recipe, smoothed: bool) -> Prediction:
    from audiorec.inference import embed_store

    data = holdout.data
    result = trained(holdout, work, recipe=recipe)
    inputs = data.inputs(recipe.model.encoder)
    cold = embed_store(
        result.model,
        inputs.store,
        ids=holdout.cold,
        features=inputs.features if recipe.model.frozen else None,
        device=recipe.train.device,
        progress=work.progress,
    )
    cold = Embeddings(cold.ids, cold.vectors * result.model.output_scale)
    facts = {"agreement": result.model.agreement}
    history = tuple((float(r.train_loss), float(r.validation_loss)) for r in result.history)
    if history:
        facts |= {"epochs": float(len(history)), "validation loss": min(v for _, v in history)}
    if smoothed:
        smoothing = result.model.smoothing
        cold = smooth_by_artist(
            cold, factors=holdout.targets, artists=data.artists, smoothing=smoothing
        )
        facts |= {} if smoothing.k is None else {"smoothing k": float(smoothing.k)}
    return Prediction([PredictedVectors(cold.vectors)], facts, history)


def _one_artist(data: EvaluationData) -> str | None:
    artists = {data.artists[i] for i in data.audio}
    if len(artists) > 1 or len(data.audio) == 1:
        return None
    who = f"all {len(data.audio)} tracks are by {artists.pop()!r}"
    return f"{who}, and training keeps whole artists aside"
