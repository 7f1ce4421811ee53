"""Fit a content model of any encoder and head to tracks with audio and factors."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from audiorec import artifacts
from audiorec.data import artist_groups, group_kfold, group_weights
from audiorec.distributed import process_group
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.factors import AGREEMENT, fit_artist_smoothing
from audiorec.models import (
    ContentModel,
    ContentNetwork,
    FeatureStore,
    ModelConfig,
    Ridge,
    TrainConfig,
    blocks_of,
    build_head,
    build_network,
    compute_features,
    fit_ridge,
    linear_head,
    pick_device,
    prediction_crop,
    standardizing_head,
    training_crop,
)
from audiorec.models.content_model import CONTENT_BLOCKS, Norm, no_scale
from audiorec.models.ridge import PENALTIES
from audiorec.progress import Progress, silent
from audiorec.training.curves import EpochRow
from audiorec.training.dataset import input_scale, training_sets
from audiorec.training.fit_quality import FitQuality, measure_fit_quality
from audiorec.training.losses import LOSSES

if TYPE_CHECKING:
    from audiorec.mel import MelStore

STATE_VERSION = 7  # raised when a change of the loop invalidates older state


class TrainResult(NamedTuple):
    """A fitted model, its training history, and its fit on held-out artists.

    Attributes
    ----------
    model : ContentModel
        With the weights of the epoch with the lowest validation loss.
    history : list of EpochRow
        Empty for a model that is not trained in epochs.
    unseen : Embeddings
        Vectors of tracks by artists they were not fitted to.
    learned : FitQuality or None
        Fit quality on these; None where there are none.
    """

    model: ContentModel
    history: list[EpochRow]
    unseen: Embeddings
    learned: FitQuality | None


def train(
    store: MelStore,
    targets: Embeddings,
    *,
    artists: Mapping[str, str],
    model: ModelConfig,
    config: TrainConfig,
    features: FeatureStore | None = None,
    work_directory: Path | None = None,
    space: str | None = None,
    progress: Progress = silent,
    duplicates: Mapping[str, Hashable] | None = None,
) -> TrainResult:
    """Train a network to predict tracks' factors from their audio.

    Parameters
    ----------
    store : MelStore
        Log-mel spectrograms.
    targets : Embeddings
        Factors of tracks; tracks that are not in both are left out.
    artists : mapping of str to str
        Artist of each track. Whole artists are held out for every choice; a track without one is
        a group of its own.
    model : ModelConfig
    config : TrainConfig
    features : FeatureStore, optional
        Features of the store, if the encoder starts with pretrained weights; computed if not given.
    work_directory : Path, optional
        Folder of the state at ends of epochs. A killed run resumes from it and ends with the same
        weights as an uninterrupted one (on a CPU, with as many threads and processes). State of
        other settings or inputs, or damaged state, is ignored. The state of a finished run is
        kept, and the same call again returns at once.
    space : str, optional
        Fingerprint of the factors; by default that of `targets`.
    progress : Progress
    duplicates : mapping of str to hashable, optional
        Group of each track that has a duplicate: artists who share a recording are held out
        together.

    Returns
    -------
    result : TrainResult

    Raises
    ------
    TrainingError
        If there are too few tracks or artists, or the loss diverges.
    ParameterError
        If no track has both audio and factors, the crops are too short for the encoder, or the
        device is not available.

    Notes
    -----
    van den Oord, Dieleman & Schrauwen, "Deep content-based music recommendation", NIPS 2013.
    Torch's global random state is restored. Under torchrun the processes split every batch, and
    all return the same.
    """
    groups = artist_groups(targets.ids, artists, duplicates or {})
    if features is None and (model.pretrained or model.frozen):
        features = compute_features(
            store, encoder=model.encoder, device=config.device, progress=progress
        )
    if model.linear and not model.finetune:
        assert features is not None
        fitted = _fit_ridge(features, targets, groups=groups, model=model, config=config)
    else:
        fitted = _fit_in_epochs(
            store,
            targets,
            features,
            groups=groups,
            model=model,
            config=config,
            work_directory=work_directory,
            progress=progress,
        )
    source = features if features is not None and model.frozen else store
    known = targets.take([i for i in source.ids if i in targets])
    length = float(np.linalg.norm(known.vectors, axis=1).mean())
    learned = measure_fit_quality(fitted.unseen, known, vectors=fitted.vectors)
    result = ContentModel(
        fitted.network.eval(),
        model,
        source.config,
        config,
        n_outputs=targets.dim,
        output_norm=fitted.norm,
        # Vectors trained with unnormalised factors have their length.
        output_scale=length if config.unit_norm or fitted.norm == "unit" else 1.0,
        space=space or _digest_of(targets),
        agreement=AGREEMENT if learned is None else learned.cosine,
        smoothing=fit_artist_smoothing(fitted.unseen, factors=targets, artists=groups),
        warning="" if learned is None else learned.warning,
    )
    return TrainResult(result, fitted.history, fitted.unseen, learned)


def fit_content_model(
    features: FeatureStore, *, model: ModelConfig, config: TrainConfig
) -> ContentModel:
    """Fit a content model without factors: standardised features of a pretrained encoder.

    For music without any known listening. Artists' names are not used: neighbours are similar by
    audio, not by label.
    """
    head = standardizing_head(features.take(CONTENT_BLOCKS).features().vectors)
    network = ContentNetwork(model, None, head, scale=no_scale(features.config.n_mels))
    return ContentModel(
        network.eval(),
        model,
        features.config,
        config,
        n_outputs=head.out_features,
        output_norm="unit",
    )


class _Fitted(NamedTuple):
    network: ContentNetwork
    norm: Norm
    history: list[EpochRow]
    unseen: Embeddings
    vectors: Embeddings  # of some tracks, by this network


def _fit_ridge(
    features: FeatureStore,
    targets: Embeddings,
    *,
    groups: Mapping[str, str],
    model: ModelConfig,
    config: TrainConfig,
) -> _Fitted:
    """Fit a head in closed form: its penalty is chosen on held-out artists of equal weight.

    Unseen tracks are predicted by regressions with that penalty, each fitted without their artist.
    """
    rows = features.take(blocks_of(model))
    ids = [track_id for track_id in rows.ids if track_id in targets]
    if not ids:
        raise ParameterError("no track has both sound and listening; import plays of these tracks")
    x, y = rows.features(ids).vectors, targets.take(ids).vectors
    wanted = unit_norm(y) if config.unit_norm else y
    of_ids = [groups[i] for i in ids]

    def fit(keep: np.ndarray, penalties: Sequence[float] = PENALTIES) -> Ridge:
        of_kept = [of_ids[i] for i in np.flatnonzero(keep)]
        return fit_ridge(
            x[keep],
            wanted[keep],
            groups=of_kept,
            seed=config.seed,
            weights=group_weights(of_kept),
            penalties=penalties,
        )

    ridge = fit(np.ones(len(ids), dtype=bool))
    folds, kept = group_kfold(of_ids, seed=config.seed), []
    parts = [np.empty((0, targets.dim), dtype=np.float32)]
    for fold in np.unique(folds):
        out = folds == fold
        if not out.all():
            kept += [ids[i] for i in np.flatnonzero(out)]
            parts.append(fit(~out, [ridge.penalty]).predict(x[out]))
    head = linear_head(ridge.weights, ridge.intercept)
    network = ContentNetwork(model, None, head, scale=no_scale(features.config.n_mels))
    norm: Norm = "unit" if config.unit_norm else "raw"
    unseen, vectors = Embeddings(kept, np.concatenate(parts)), Embeddings(ids, ridge.predict(x))
    return _Fitted(network, norm, [], unseen, vectors)


def _fit_in_epochs(
    store: MelStore,
    targets: Embeddings,
    features: FeatureStore | None,
    *,
    groups: Mapping[str, str],
    model: ModelConfig,
    config: TrainConfig,
    work_directory: Path | None,
    progress: Progress,
) -> _Fitted:
    """Train a head on given features, or an encoder with its head, by the training loop."""
    # here: it loads Lightning, which ridge regression does not need
    from audiorec.training.loop import RunSettings, fit_network, predicted, quiet

    source: MelStore | FeatureStore = store
    if model.frozen:
        assert features is not None
        source = features.take(blocks_of(model))
    crop = 1 if model.frozen else training_crop(model, mel=store.config, train=config)
    training, validation = training_sets(
        source, targets, groups=groups, unit=config.unit_norm, seed=config.seed
    )
    key = artifacts.fingerprint(
        {
            "version": STATE_VERSION,
            "model": model.model_dump(mode="json"),
            "train": config.model_dump(mode="json"),
            "mels": source.fingerprint,
            "targets": _digest_of(targets),
            "tracks": [training.ids, validation.ids],
        }
    )
    processes, device = process_group(), pick_device(config.device)
    if device.type == "cuda" and processes.size > 1:
        device = torch.device("cuda", processes.local_rank)
    report = progress if processes.first else silent
    seen = prediction_crop(model, mel=store.config, train=config)
    run = RunSettings(config, seen, work_directory, key, device, report, processes)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(config.seed)
        if model.frozen:
            n_features = len(training.clips[0][0])
            head = build_head(model, n_features, targets.dim)
            network = ContentNetwork(model, None, head, scale=no_scale(store.config.n_mels))
        else:
            scale = no_scale(store.config.n_mels) if model.pretrained else input_scale(training)
            network = build_network(
                model, mel=store.config, n_outputs=targets.dim, scale=scale, published=True
            )
        if model.linear:  # fine-tuning starts from the regression
            assert features is not None
            first = _fit_ridge(features, targets, groups=groups, model=model, config=config)
            network.head = first.network.head
        history = fit_network(network, training, validation, crop=crop, run=run)
        unseen = predicted(network, validation, run=run)
    return _Fitted(network.cpu(), LOSSES[config.loss].norm, history, unseen, unseen)


def _digest_of(embeddings: Embeddings) -> str:
    """Digest of ids and vectors."""
    return artifacts.fingerprint(
        [list(embeddings.ids), artifacts.fingerprint(embeddings.vectors.tobytes())]
    )
