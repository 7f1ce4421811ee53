"""The training loop: one step, one epoch, the state that a killed run goes on from."""

from __future__ import annotations

import copy
import logging
import math
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from audiorec.distributed import Processes
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.models.config import TrainConfig
from audiorec.models.content_model import ContentNetwork, track_vector
from audiorec.models.parallel_forward import ordered_map
from audiorec.progress import Progress
from audiorec.training.augmentation import mixup
from audiorec.training.curves import EpochRow
from audiorec.training.dataset import Batch, CropLoader, TrainingSet
from audiorec.training.losses import LOSSES, Towers
from audiorec.training.state import StateIO, state_on_cpu

WEIGHT_DECAY = 0.01  # of AdamW
WARMUP_FRACTION = 0.1  # of all steps, while the learning rate rises
AVERAGE_DECAY = 0.99  # of the running mean of the weights, which is what is validated and kept
LONGEST_GRADIENT = 1.0  # as a norm over all weights
MUCH_WORSE = 10.0  # than predicting zeros: nothing was learned
SAVE_SECONDS = 5.0  # between one state that is kept and the next


class RunSettings(NamedTuple):
    """What a run is made with.

    Attributes
    ----------
    config : TrainConfig
    crop : int or None
        Frames that a vector is predicted from; see `ContentModel.crop`.
    directory : Path or None
        Of the state.
    key : str
        Digest of settings and inputs.
    device : torch.device
    progress : Progress
    processes : Processes
        That share each batch.
    """

    config: TrainConfig
    crop: int | None
    directory: Path | None
    key: str
    device: torch.device
    progress: Progress
    processes: Processes


class TrainingModule(pl.LightningModule):
    """Trains a network, keeps a running mean of its weights, and remembers the best of them.

    Parameters
    ----------
    network : ContentNetwork
    loader : CropLoader
    validation : TrainingSet
    run : RunSettings

    Attributes
    ----------
    history : list of EpochRow
    best : dict of str to Tensor
        Weights of the epoch with the lowest validation loss.
    """

    def __init__(
        self,
        network: ContentNetwork,
        *,
        loader: CropLoader,
        validation: TrainingSet,
        run: RunSettings,
    ) -> None:
        super().__init__()
        dim = validation.targets.shape[1]
        self.towers = Towers(network, loss=run.config.loss, dim=dim)
        self.average = copy.deepcopy(self.towers).requires_grad_(False)
        self.loader, self.validation, self.run_settings = loader, validation, run
        self.config, self.loss = run.config, LOSSES[run.config.loss]
        self.history: list[EpochRow] = []
        self.best: dict[str, Tensor] = {}
        self._loss_sum: Tensor = torch.zeros(())
        self._steps = 0  # of the optimizer, in all
        self._began = 0.0
        self._saved = time.monotonic()

    # -- one step ---------------------------------------------------------------------------

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Loss of one batch."""
        given, targets = batch.given.float(), batch.targets
        if self.config.mixup and len(given) > 1:
            given, targets = mixup(given, targets, alpha=self.config.mixup)
        loss = self.towers(given, targets)
        self._loss_sum += loss.detach() * len(given)
        return loss * batch.weight

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_index: int) -> None:
        """Let the running mean follow (exponential moving average, bias-free from the start)."""
        self._steps += 1
        decay = min(AVERAGE_DECAY, (1 + self._steps) / (10 + self._steps))
        now = self.towers.state_dict()
        with torch.no_grad():
            for name, mean in self.average.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(now[name], 1 - decay)
                else:
                    mean.copy_(now[name])

    def configure_optimizers(self) -> Any:
        """AdamW, its rate a function of the step: a linear rise, then half a cosine down."""
        optimizer = torch.optim.AdamW(
            [p for p in self.towers.parameters() if p.requires_grad],
            lr=self.config.learning_rate,
            weight_decay=WEIGHT_DECAY,
        )
        steps = len(self.loader) * self.config.max_epochs
        rise = max(1, round(WARMUP_FRACTION * steps))

        def factor(step: int) -> float:
            if step < rise:
                return (step + 1) / rise
            return 0.01 + 0.99 * 0.5 * (
                1 + math.cos(math.pi * (step - rise) / max(1, steps - rise))
            )

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    # -- one epoch --------------------------------------------------------------------------

    def on_train_epoch_start(self) -> None:
        """Let everything random follow from the seed, the epoch and the process alone."""
        epoch = len(self.history)
        self.loader.epoch = epoch
        self.towers.train()
        own = [self.config.seed, epoch, self.run_settings.processes.rank]
        torch.manual_seed(int(np.random.default_rng(own).integers(2**63)))
        self._loss_sum = torch.zeros((), device=self.device)
        self._began = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        """Validate, remember, report; stop when nothing has become better for long enough."""
        processes = self.run_settings.processes
        n_clips = len(self.loader.examples.ids)
        rate = n_clips / (time.perf_counter() - self._began)
        seen = sum(processes.all_gather(float(self._loss_sum)))
        row = EpochRow(len(self.history) + 1, seen / n_clips, self.validate(), rate)
        # Processors that differ round differently, and all must stop, or save, or neither.
        row = processes.broadcast(row)
        if not (math.isfinite(row.train_loss) and math.isfinite(row.validation_loss)):
            raise TrainingError(
                f"the loss diverged in epoch {row.epoch} (training {row.train_loss}, validation "
                f"{row.validation_loss}); lower learning_rate={self.config.learning_rate}"
            )
        self.history.append(row)
        if row == min(self.history, key=lambda r: r.validation_loss):
            self.best = state_on_cpu(self.average.served())
        if self.finished:
            self._check_learned()
            self.trainer.should_stop = True
        if self.run_settings.directory is not None and processes.broadcast(self._save_is_due()):
            self.trainer.save_checkpoint(self.run_settings.directory)
            self._saved = time.monotonic()
        note = f"loss {row.train_loss:.3f}  val {row.validation_loss:.3f}  {rate:.0f} clips/s"
        self.run_settings.progress("train", row.epoch, self.config.max_epochs, note)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the validation loss has not fallen for `patience`."""
        if not self.history:
            return False
        best = min(self.history, key=lambda r: r.validation_loss)
        waited = self.history[-1].epoch - best.epoch
        return len(self.history) >= self.config.max_epochs or waited >= self.config.patience

    def _save_is_due(self) -> bool:
        """Where epochs are short, to write the state would take longer than to run them again."""
        return self.finished or time.monotonic() - self._saved >= SAVE_SECONDS

    def validate(self) -> float:
        """Loss of the averaged weights on the validation tracks, predicted as inference does."""
        predictions = predicted(self.average.served(), self.validation, run=self.run_settings)
        targets = torch.tensor(self.validation.targets)
        return float(self.loss.function(torch.from_numpy(np.array(predictions.vectors)), targets))

    def _check_learned(self) -> None:
        """Raise `TrainingError` where the best weights are far worse than none at all.

        Losses of directions are bounded; one of lengths may diverge and stay finite.
        """
        if self.loss.norm == "unit":
            return
        best = min(row.validation_loss for row in self.history)
        targets = torch.tensor(self.validation.targets)
        nothing = float(self.loss.function(torch.zeros_like(targets), targets))
        if best > MUCH_WORSE * nothing:
            raise TrainingError(
                f"the loss diverged (validation {best:.3g} at best, and to predict nothing costs "
                f"{nothing:.3g}); lower learning_rate={self.config.learning_rate}"
            )

    # -- state ------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what Lightning does not know of, and leave out its counters.

        A run goes on as a new one with fewer epochs: where in an epoch Lightning believes itself
        to be after a restart depends on its version and on the hook that saved.
        """
        checkpoint.pop("loops", None)
        checkpoint["audiorec"] = {
            "history": [list(row) for row in self.history],
            "best": self.best,
            "steps": self._steps,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it back."""
        self.history = [EpochRow(*row) for row in checkpoint["audiorec"]["history"]]
        self.best = dict(checkpoint["audiorec"]["best"])
        self._steps = checkpoint["audiorec"]["steps"]


def fit_network(
    network: ContentNetwork,
    training: TrainingSet,
    validation: TrainingSet,
    *,
    crop: int,
    run: RunSettings,
) -> list[EpochRow]:
    """Train a network in place, from the state of a killed run where there is one.

    Parameters
    ----------
    network : ContentNetwork
    training, validation : TrainingSet
    crop : int
        Frames of a training crop.
    run : RunSettings

    Returns
    -------
    history : list of EpochRow
    """
    processes, config = run.processes, run.config
    loader = CropLoader(
        training, crop=crop, batch_size=config.batch_size, seed=config.seed, processes=processes
    )
    if loader.smallest < processes.size:
        raise ParameterError(
            f"batch_size={config.batch_size} leaves a batch of {loader.smallest} to "
            f"{processes.size} processes; raise it, or start fewer"
        )
    module = TrainingModule(network, loader=loader, validation=validation, run=run)
    io = StateIO(key=run.key)
    state = io.find(run.directory) if run.directory is not None else None
    if state is not None:
        module.on_load_checkpoint(state)
    if not module.finished:
        trainer = pl.Trainer(
            accelerator="gpu" if run.device.type == "cuda" else run.device.type,
            precision=cast(Any, _precision(run.device)),
            max_epochs=config.max_epochs - len(module.history),
            gradient_clip_val=LONGEST_GRADIENT,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=run.directory,
            **_devices(io, run=run),
        )
        with _interruptible():
            trainer.fit(module, loader, ckpt_path=run.directory if state is not None else None)
    network.load_state_dict(module.best)
    network.cpu()
    return module.history


def predicted(network: ContentNetwork, examples: TrainingSet, *, run: RunSettings) -> Embeddings:
    """Vectors of a set's tracks, as inference gives them; each process predicts a part."""
    network.to(run.device).eval()
    norm, processes = LOSSES[run.config.loss].norm, run.processes

    def vector(clips: list[np.ndarray]) -> np.ndarray:
        return track_vector(network, clips, crop=run.crop, norm=norm, device=run.device)

    mine = examples.clips[processes.share(len(examples.ids))]
    parts = processes.all_gather(list(ordered_map(vector, mine, device=run.device)))
    return Embeddings(examples.ids, np.stack([row for part in parts for row in part]))


def _precision(device: torch.device) -> str:
    """Mixed precision on CUDA, full precision elsewhere: a CPU emulates what is shorter."""
    if device.type != "cuda":
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"


def _devices(io: StateIO, *, run: RunSettings) -> dict[str, Any]:
    """What Lightning is told of this process and those beside it."""
    from lightning.fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment

    processes = run.processes
    if processes.size == 1:
        alone = [run.device.index or 0] if run.device.type == "cuda" else 1
        # Named, or a batch scheduler's variables in the environment would be taken for orders.
        return {"devices": alone, "plugins": [io, LightningEnvironment()]}
    from lightning.pytorch.strategies import DDPStrategy

    return {
        "devices": processes.local_size,
        "num_nodes": processes.size // processes.local_size,
        "strategy": DDPStrategy(),
        "sync_batchnorm": run.device.type == "cuda",
        "use_distributed_sampler": False,
        "plugins": [io, TorchElasticEnvironment()],
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Keep advice of Lightning from the terminal; restore what was set."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
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
