"""Train a network to predict tracks' factors from their sound; go on where a killed run stopped."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from torch import nn

from audiorec import artifacts
from audiorec.config import ModelConfig, TrainConfig
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.factors import WeightedError
from audiorec.models.checkpoint import Checkpoint, crop_frames
from audiorec.models.described import Described, lengthen
from audiorec.models.losses import LOSSES
from audiorec.models.networks import build_network
from audiorec.models.predict import InputScale, clips_of, pick_device, predict
from audiorec.progress import Progress, silent
from audiorec.training.augment import check_augmentation
from audiorec.training.curves import EpochRow
from audiorec.training.data import Crops, Examples, deal, gather, input_scale, joined, no_scale
from audiorec.training.once import check_unaltered, heard_once

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore
    from audiorec.pretrained.heard import Heard
    from audiorec.training.module import FactorModule

STATE_VERSION = 2  # raised when a change of the loop makes older state another run's

HEAD = 1_000_003  # between the seeds of one head and the next


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
            history, unseen = _fit_heads(
                network,
                joined([training, validation]),
                lambda part: deal(
                    [i for i in store.ids if i in targets], groups=groups, config=part
                ),
                scale=scale,
                window=window,
                run=run,
            )
            weights = state_on_cpu(network)
        else:
            module = _fit(network, training, validation, scale=scale, window=window, run=run)
            weights, history = module.best, module.history
            network.load_state_dict(weights)
            unseen = _predicted(network, validation, scale=scale, window=window, run=run)
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
        agreement=_agreement(unseen, targets),
    )
    return TrainResult(checkpoint, history, unseen)


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


def _agreement(unseen: Embeddings, targets: Embeddings) -> float:
    """Mean cosine of what is said of unseen artists' tracks and their factors."""
    wanted = unit_norm(targets.take(unseen.ids).vectors)
    return float((unit_norm(unseen.vectors) * wanted).sum(axis=1).mean())


class _Run(NamedTuple):
    """What all learning of a call of `train` has in common."""

    config: TrainConfig
    directory: Path | None
    key: str
    device: torch.device
    progress: Progress

    def part(self, number: int, of: int) -> _Run:
        """The run of one of several heads."""
        epochs = self.config.max_epochs

        def progress(stage: str, done: int, total: int | None, note: str = "") -> None:
            self.progress(stage, number * epochs + done, of * epochs, note)

        return _Run(
            self.config.model_copy(update={"seed": (self.config.seed + number * HEAD) % 2**31}),
            None if self.directory is None else self.directory / f"head-{number}",
            f"{self.key}-{number}",
            self.device,
            progress,
        )


def _fit_heads(
    network: Described,
    known: Examples,
    parted: Callable[[TrainConfig], tuple[tuple[str, ...], tuple[str, ...]]],
    *,
    scale: InputScale,
    window: int,
    run: _Run,
) -> tuple[list[EpochRow], Embeddings]:
    """Let the ear describe every window once, and each head learn from what it says.

    Parameters
    ----------
    network : Described
    known : Examples
        All that there are.
    parted : callable
        From a head's settings to the tracks that it learns from and those that it is stopped by.
    """
    how: dict[str, Any] = {"ear": network.ear, "scale": scale, "window": window}
    told = heard_once(known, device=run.device, progress=run.progress, **how)
    told_scale = input_scale(told)
    network.bring_to_scale(told_scale)
    history: list[EpochRow] = []
    said: dict[str, list[np.ndarray]] = {}
    for number, head in enumerate(network.heads):
        assert isinstance(head, nn.Sequential)
        its_run = run.part(number, len(network.heads))
        training, validation = map(told.take, parted(its_run.config))
        module = _fit(head, training, validation, scale=told_scale, window=1, run=its_run)
        head.load_state_dict(module.best)
        predicted = [
            _predicted(head, part, scale=told_scale, window=1, run=its_run, norm="raw")
            for part in (training, validation)
        ]
        history = history or module.history
        # Heads that learned directions are heard alike, however long what they say is.
        length = float(np.linalg.norm(predicted[0].vectors, axis=1).mean())
        if LOSSES[run.config.loss].norm == "unit" and length:
            lengthen(head, 1 / length)
        for track_id, vector in zip(predicted[1].ids, predicted[1].vectors, strict=True):
            said.setdefault(track_id, []).append(vector / (length or 1))
    network.to("cpu")
    means = [np.mean(vectors, axis=0) for vectors in said.values()]
    return history, Embeddings(tuple(said), np.stack(means))


def _predicted(
    network: nn.Module,
    examples: Examples,
    *,
    scale: InputScale,
    window: int,
    run: _Run,
    norm: Literal["unit", "raw"] | None = None,
) -> Embeddings:
    """What inference says of examples."""
    found = predict(
        network.to(run.device),
        zip(examples.ids, examples.clips, strict=True),
        scale=scale,
        window=window,
        norm=norm or LOSSES[run.config.loss].norm,
        batch_size=64,
        device=run.device,
    )
    return Embeddings(examples.ids, np.stack([vector for _, vector in found]))


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
