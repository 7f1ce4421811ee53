"""Train a network to predict tracks' factors from their sound; go on where a killed run stopped."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from audiorec import artifacts
from audiorec.audio.config import MelConfig
from audiorec.data.grouping import artist_groups
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.factors import WeightedError, agreement_of, fit_artist_smoothing
from audiorec.models.checkpoint import Checkpoint, crop_frames
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.described import Described
from audiorec.models.losses import LOSSES
from audiorec.models.networks import build_network
from audiorec.models.predict import believed, clips_of, pick_device
from audiorec.progress import Progress, silent
from audiorec.ranks import team
from audiorec.training.augment import check_augmentation, pitch_shifts, steps_between
from audiorec.training.committee import fit_committee
from audiorec.training.curves import EpochRow
from audiorec.training.data import Examples, deal, gather, input_scale, joined, no_scale
from audiorec.training.fit import Run, fit, predicted, quiet
from audiorec.training.once import check_unaltered, other_pitches
from audiorec.training.popularity import common_part
from audiorec.training.shrinkage import learn_shrinkage

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore
    from audiorec.pretrained.heard import Heard

STATE_VERSION = 3  # raised when a change of the loop makes older state another run's


class TrainResult(NamedTuple):
    """The trained network and how it came to be.

    Attributes
    ----------
    checkpoint : Checkpoint
        Weights of the epoch with the lowest validation loss.
    history : list of EpochRow
        Of the first head, where the network has several.
    unseen : Embeddings
        Predictions for tracks that were kept for early stopping, by what did not learn from them.
    """

    checkpoint: Checkpoint
    history: list[EpochRow]
    unseen: Embeddings


def train(
    store: MelStore | Heard,
    targets: Embeddings,
    *,
    groups: Mapping[str, str],
    model: ModelConfig,
    config: TrainConfig,
    listening: WeightedError | None = None,
    work_directory: Path | None = None,
    space: str | None = None,
    progress: Progress = silent,
    begin: Callable[[nn.Module], None] | None = None,
    unlabelled: Sequence[str] = (),
    listeners: np.ndarray | None = None,
    together: Mapping[str, Hashable] | None = None,
) -> TrainResult:
    """Train a network to predict tracks' factors from their sound.

    Parameters
    ----------
    store : MelStore or Heard
        Log-mel spectrograms, or what a frozen encoder heard of them.
    targets : Embeddings
        Factors of tracks; tracks that are not in both are left out.
    groups : mapping of str to str
        Artist of each track. Whole artists are held out for early stopping; a track without one
        is a group of its own.
    model : ModelConfig
    config : TrainConfig
    listening : WeightedError, optional
        That the factors were made from. The loss "wpe" learns from it, the others do not look.
    work_directory : Path, optional
        Where the state is kept at ends of epochs. A run that was killed goes on from there
        and ends with the very weights of an undisturbed one (on a CPU, with as many threads and
        processes). State
        of other settings or inputs, or state that is damaged, is not used. The state of a finished
        run stays, and the same call again returns at once.
    space : str, optional
        Fingerprint of the factors; by default that of `targets`.
    progress : Progress
    begin : callable, optional
        Gives the fresh network weights to begin with.
    unlabelled : sequence of str
        Tracks of the store without factors, from which a dictionary of sounds and discriminants of
        artists are learned too.
    listeners : np.ndarray [shape=(n_listeners, d)], optional
        Factors of listeners, which tell in what directions these differ; see
        `audiorec.training.shrinkage`.
    together : mapping of str to hashable, optional
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
        If the crops are too short for the network, the device is not there, or the loss looks at
        listening and none is given.

    Notes
    -----
    van den Oord, Dieleman & Schrauwen, "Deep content-based music recommendation", NIPS 2013.
    Torch's global random state is left as it was found.

    Processes that torchrun started share the work, and all return the same. Of the described
    network each takes a part of what is to be heard, and whole heads: what they learn is what one
    process learns, bit for bit. Of the others each takes a part of every batch: the gradient is
    that of the whole batch but for the order of sums, and the units that are dropped out are
    drawn by each for itself.
    """
    window = crop_frames(store.config, model, config)
    device = pick_device(config.device)
    check_augmentation(store.config, config)
    n_heard = len({*targets.ids, *unlabelled})
    if model.described:
        check_unaltered(config, architecture=model.architecture, n=n_heard)
    shifts = _shifts(store.config, model=model, config=config, n=n_heard)
    loss = LOSSES[config.loss]
    listening = _needed(listening, config=config)
    owners = artist_groups([*targets.ids, *unlabelled], groups, together or {})
    training, validation = gather(store, targets, groups=owners, config=config, listening=listening)
    scale = input_scale(training) if not model.finetune else no_scale(store.config.n_mels)
    space = space or _digest(targets)
    key = artifacts.fingerprint(
        {
            "version": STATE_VERSION,
            "model": model.model_dump(mode="json"),
            "train": config.model_dump(mode="json"),
            "mels": store.fingerprint,
            "targets": _digest(targets),
            "tracks": [training.ids, validation.ids],
            "unlabelled": list(unlabelled),
            "artists": [groups.get(i) for i in store.ids],
            **({"together": one} if (one := _shared(owners, groups)) else {}),
            "listening": "" if listening is None else listening.fingerprint,
        }
    )
    mine = team()
    if device.type == "cuda" and mine.size > 1:
        device = torch.device("cuda", mine.local_rank)
    run = Run(
        _long_enough(config, n=len(training.ids)),
        work_directory,
        key,
        device,
        progress if mine.first else silent,
        mine,
    )
    with torch.random.fork_rng(devices=[]), quiet():
        from audiorec.training.state import state_on_cpu

        torch.manual_seed(config.seed)
        network = build_network(model, n_mels=len(scale.mean), n_outputs=targets.dim)
        if begin is not None:
            begin(network)
        if isinstance(network, Described):
            others = _unheard(store, unlabelled, known=targets)
            if mine.first:
                network.learn(
                    [*training.clips, *others.clips],
                    scale=scale,
                    seed=config.seed,
                    mel=store.config,
                )
            network.load_state_dict(mine.agree(network.state_dict()))
            history, unseen = fit_committee(
                network,
                joined([training, validation]),
                others,
                lambda part: deal(
                    [i for i in store.ids if i in targets], groups=owners, config=part
                ),
                groups=groups,
                scale=scale,
                window=window,
                run=run,
                shifts=shifts,
            )
            weights = state_on_cpu(network)
        else:
            module = fit(
                network, training, validation, scale=scale, window=window, run=run, shifts=shifts
            )
            weights, history = module.best, module.history
            network.load_state_dict(weights)
            unseen = predicted(network, validation, scale=scale, window=window, run=run)
    # As long as factors are, where predictions are measured by listening or by whole factors.
    whole = loss.norm == "raw" and (loss.needs == "form" or not config.unit_norm)
    known = targets.take(training.ids).vectors
    length = float(np.linalg.norm(known, axis=1).mean())
    # By what predictions say themselves: shrunk, they lie along the mean too far for a cosine.
    artists = fit_artist_smoothing(unseen, factors=targets, artists=groups)
    belief: dict[str, np.ndarray | None] = {}
    if loss.norm == "unit":
        unseen = Embeddings(unseen.ids, unit_norm(unseen.vectors))
        belief = _belief(
            unseen,
            config=config,
            listeners=listeners,
            factors=targets,
            mean=known.mean(axis=0),
            groups=owners,
        )
        unseen = Embeddings(unseen.ids, believed(unseen.vectors, **belief))
        # What is not believed is missing from their length, which is to be that of factors.
        length /= float(np.linalg.norm(unseen.vectors, axis=1).mean()) or 1.0
    checkpoint = Checkpoint(
        weights=weights,
        model=model,
        mel=store.config,
        train=config,
        scale=scale,
        n_outputs=targets.dim,
        output_norm=loss.norm,
        output_scale=1.0 if whole else length,
        space=space,
        agreement=agreement_of(unseen, targets),
        artists=artists,
        **belief,
    )
    return TrainResult(checkpoint, history, unseen)


def _shared(owners: Mapping[str, str], groups: Mapping[str, str]) -> list[list[str]]:
    """Tracks that count as another artist's, with that one."""
    return sorted([i, owner] for i, owner in owners.items() if owner != (groups.get(i) or i))


def _belief(
    unseen: Embeddings, *, config: TrainConfig, listeners: np.ndarray | None, **judged: Any
) -> dict[str, np.ndarray | None]:
    """How far to believe predictions by what unseen artists tell; see `believed`."""
    shrinkage = common = None
    if config.shrinkage and listeners is not None:
        auto = config.shrinkage == "auto"
        shrinkage = learn_shrinkage(
            unseen, **judged, listeners=listeners, seed=config.seed, unless_alike=auto
        )
    if config.level_popularity:
        common = common_part(unseen, **judged, unless_heard=config.level_popularity == "auto")
    return {"shrinkage": shrinkage, "common": common}


def _needed(listening: WeightedError | None, *, config: TrainConfig) -> WeightedError | None:
    """The listening, if the loss looks at it."""
    if LOSSES[config.loss].needs != "form":
        return None
    if listening is None:
        raise ParameterError(
            f"loss={config.loss!r} learns from plays and none are given; give train() the "
            "listening, or take another loss"
        )
    return listening


def _shifts(
    mel: MelConfig, *, model: ModelConfig, config: TrainConfig, n: int
) -> torch.Tensor | None:
    """Pitches at which examples of `n` tracks are heard beside their own; None where at none."""
    if model.described:
        pitches = other_pitches(config, n=n)
        return pitch_shifts(mel, pitches) if pitches else None
    if config.pitch_shift == "auto" or not config.pitch_shift:
        return None
    if model.frozen:
        raise ParameterError(
            f"pitch_shift={config.pitch_shift:g} moves what is heard, and encoder="
            f"{model.encoder!r} has heard it before; write pitch_shift = 0 under [train]"
        )
    return pitch_shifts(mel, steps_between(config.pitch_shift))


def _unheard(store: MelStore | Heard, unlabelled: Sequence[str], *, known: Embeddings) -> Examples:
    """Tracks without factors, as examples of nothing."""
    ids = tuple(i for i in unlabelled if i not in known)
    none = np.zeros((len(ids), known.dim), dtype=np.float32)
    return Examples(ids, [clips_of(store, i) for i in ids], none)


def _long_enough(config: TrainConfig, *, n: int) -> TrainConfig:
    """With so many epochs that `n` tracks make `min_steps`."""
    steps = -(-n // (config.batch_size * config.accumulate))
    epochs = max(config.max_epochs, -(-config.min_steps // steps))
    return config.model_copy(update={"max_epochs": epochs})


def _digest(embeddings: Embeddings) -> str:
    return artifacts.fingerprint(
        [list(embeddings.ids), artifacts.fingerprint(embeddings.vectors.tobytes())]
    )
