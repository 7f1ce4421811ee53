"""Train a network to predict tracks' factors from their sound; go on where a killed run stopped."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from audiorec import artifacts
from audiorec.config import ModelConfig, TrainConfig
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.factors import WeightedError
from audiorec.models.checkpoint import Checkpoint, crop_frames
from audiorec.models.described import Described
from audiorec.models.losses import LOSSES
from audiorec.models.networks import build_network
from audiorec.models.predict import InputScale, clips_of, pick_device, predict
from audiorec.progress import Progress, silent
from audiorec.training.augment import check_augmentation
from audiorec.training.curves import EpochRow
from audiorec.training.data import Crops, Examples, gather, input_scale, no_scale
from audiorec.training.once import check_unaltered, heard_once

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore
    from audiorec.pretrained.heard import Heard
    from audiorec.training.module import FactorModule

STATE_VERSION = 1  # raised when a change of the loop makes older state another run's


class TrainResult(NamedTuple):
    """The trained network and how it came to be.

    Attributes
    ----------
    checkpoint : Checkpoint
        Weights of the epoch with the lowest validation loss.
    history : list of EpochRow
    validation_ids : tuple of str
        Tracks that were kept for early stopping.
    """

    checkpoint: Checkpoint
    history: list[EpochRow]
    validation_ids: tuple[str, ...] = ()


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
        Where the state is kept at the end of every epoch. A run that was killed goes on from there
        and ends with the very weights of an undisturbed one (on a CPU, with as many threads). State
        of other settings or inputs, or state that is damaged, is not used. The state of a finished
        run stays, and the same call again returns at once.
    space : str, optional
        Fingerprint of the factors; by default that of `targets`.
    progress : Progress
    begin : callable, optional
        Gives the fresh network weights to begin with.
    unlabelled : sequence of str
        Tracks of the store without factors, from which a dictionary of sounds is learned too.

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
    """
    window = crop_frames(store.config, model, config)
    device = pick_device(config.device)
    check_augmentation(store.config, config)
    if model.described:
        check_unaltered(config, architecture=model.architecture)
    loss = LOSSES[config.loss]
    listening = _needed(listening, config=config)
    training, validation = gather(store, targets, groups=groups, config=config, listening=listening)
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
            "listening": "" if listening is None else listening.fingerprint,
        }
    )
    run = _Run(config, work_directory, key, device, progress)
    with torch.random.fork_rng(devices=[]), _quiet():
        from audiorec.training.state import state_on_cpu

        torch.manual_seed(config.seed)
        network = build_network(model, n_mels=len(scale.mean), n_outputs=targets.dim)
        if begin is not None:
            begin(network)
        if isinstance(network, Described):
            others = [clips_of(store, i) for i in unlabelled if i not in targets]
            network.learn([*training.clips, *others], scale=scale, seed=config.seed)
            module = _fit_head(network, training, validation, scale=scale, window=window, run=run)
            weights = state_on_cpu(network)
        else:
            module = _fit(network, training, validation, scale=scale, window=window, run=run)
            weights = module.best
    # As long as factors are, where predictions are measured by listening or by whole factors.
    whole = loss.norm == "raw" and (loss.needs == "form" or not config.unit_norm)
    norms = np.linalg.norm(targets.take(training.ids).vectors, axis=1)
    checkpoint = Checkpoint(
        weights=weights,
        model=model,
        mel=store.config,
        train=config,
        scale=scale,
        n_outputs=targets.dim,
        output_norm=loss.norm,
        output_scale=1.0 if whole else float(norms.mean()),
        space=space,
    )
    checkpoint = replace(checkpoint, agreement=_agreement(checkpoint, validation, device=device))
    return TrainResult(checkpoint, module.history, validation.ids)


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


def _agreement(checkpoint: Checkpoint, validation: Examples, *, device: torch.device) -> float:
    """Mean cosine of what inference says of the validation tracks and their factors."""
    found = predict(
        checkpoint.network().to(device),
        zip(validation.ids, validation.clips, strict=True),
        scale=checkpoint.scale,
        window=checkpoint.window,
        norm=checkpoint.output_norm,
        batch_size=64,
        device=device,
    )
    predicted = unit_norm(np.stack([vector for _, vector in found]))
    return float((predicted * unit_norm(validation.targets)).sum(axis=1).mean())


class _Run(NamedTuple):
    """What all learning of a call of `train` has in common."""

    config: TrainConfig
    directory: Path | None
    key: str
    device: torch.device
    progress: Progress


def _fit_head(
    network: Described,
    training: Examples,
    validation: Examples,
    *,
    scale: InputScale,
    window: int,
    run: _Run,
) -> FactorModule:
    """Let the ear describe every window once, and the head learn from what it says."""
    how: dict[str, Any] = {"ear": network.ear, "scale": scale, "window": window}
    how |= {"device": run.device, "progress": run.progress}
    told = heard_once(training, **how)
    told_scale = input_scale(told)
    module = _fit(
        network.head, told, heard_once(validation, **how), scale=told_scale, window=1, run=run
    )
    network.to("cpu").head.load_state_dict(module.best)
    network.bring_to_scale(told_scale)
    return module


def _fit(
    network: nn.Module,
    training: Examples,
    validation: Examples,
    *,
    scale: InputScale,
    window: int,
    run: _Run,
) -> FactorModule:
    """Run Lightning's loop, from the state of a killed run where there is one."""
    import lightning.pytorch as pl
    from lightning.fabric.plugins.environments import LightningEnvironment

    from audiorec.training.module import FactorModule
    from audiorec.training.state import StateIO

    config, device = run.config, run.device
    module = FactorModule(
        network,
        crops=Crops(training, window=window, batch_size=config.batch_size, seed=config.seed),
        validation=validation,
        scale=scale,
        config=config,
        state_directory=run.directory,
        progress=run.progress,
    )
    io, directory = StateIO(key=run.key), run.directory
    state = io.find(directory) if directory is not None else None
    if state is not None:
        module.on_load_checkpoint(state)
        if module.finished:
            return module
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else device.type,
        devices=1,
        precision=pick_precision(module.config.precision, device=device),
        max_epochs=module.config.max_epochs - len(module.history),
        gradient_clip_val=module.config.gradient_clip,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        # Named, or a batch scheduler's variables in the environment would be taken for orders.
        plugins=[io, LightningEnvironment()],
        default_root_dir=directory,
    )
    with _interruptible():
        trainer.fit(module, module.crops, ckpt_path=directory if state is not None else None)
    return module


def pick_precision(name: str, *, device: torch.device) -> Any:
    """The precision of that name; "auto" is half precision on CUDA, full elsewhere.

    Raises
    ------
    ParameterError
        If the device cannot compute in it.
    """
    if name == "16-mixed" and device.type == "cpu":
        raise ParameterError("precision='16-mixed' needs CUDA or MPS; use 'auto' or 'bf16-mixed'")
    if name != "auto":
        return name
    if device.type != "cuda":
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"


def _digest(embeddings: Embeddings) -> str:
    return artifacts.fingerprint(
        [list(embeddings.ids), artifacts.fingerprint(embeddings.vectors.tobytes())]
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's advice from the terminal, and restore what was set before."""
    import lightning.pytorch  # noqa: F401  (its import sets the level of its logger)

    loggers = [logging.getLogger(n) for n in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Give signals back their meaning.

    Lightning turns Ctrl-C into an exit and then ignores the signal, and lets a process that was
    told to terminate end with code 0, as if its work were done.
    """
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        if not error.code:
            raise SystemExit(128 + signal.SIGTERM) from None
        raise
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)
