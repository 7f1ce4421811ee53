"""Training loop: steps, epochs, early stopping, and state to resume from."""

from __future__ import annotations

import copy
import logging
import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.fabric.strategies import DDPStrategy
from torch import Tensor, nn

from audiorec.distributed import Processes
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.models import ContentNetwork, TrainConfig, track_vector
from audiorec.models.parallel_forward import ordered_map
from audiorec.progress import Progress
from audiorec.training.curves import EpochRow
from audiorec.training.dataset import CropLoader, TrainingSet
from audiorec.training.losses import LOSSES, Towers
from audiorec.training.mixup import mixup
from audiorec.training.state import find_state, save_state

WEIGHT_DECAY = 0.01  # of AdamW
WARMUP_FRACTION = 0.1  # of all steps, while the learning rate rises
AVERAGE_DECAY = 0.99  # of the moving average of the weights, which is validated and returned
LONGEST_GRADIENT = 1.0  # norm over all weights
MUCH_WORSE = 10.0  # than predicting zeros: nothing was learned
SAVE_SECONDS = 5.0  # between two writes of the state


class RunSettings(NamedTuple):
    """Settings, devices, state and seed of one training run."""

    config: TrainConfig
    crop: int | None  # frames of a crop for prediction; see `ContentModel.crop`
    directory: Path | None  # of the state
    key: str  # digest of settings and inputs
    device: torch.device
    progress: Progress
    processes: Processes  # that share each batch


class TrainingLoop:
    """Trains a copy of a network, keeps a moving average of its weights, and keeps the best.

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
        self.loader, self.validation, self.run = loader, validation, run
        self.config, self.loss = run.config, LOSSES[run.config.loss]
        dim = validation.targets.shape[1]
        self.towers = Towers(copy.deepcopy(network), loss=run.config.loss, dim=dim).to(run.device)
        if run.device.type == "cuda" and run.processes.size > 1:
            nn.SyncBatchNorm.convert_sync_batchnorm(self.towers)
        self.average = copy.deepcopy(self.towers).requires_grad_(False)
        self.history: list[EpochRow] = []
        self.best: dict[str, Tensor] = {}
        self.steps = 0  # of the optimizer, in total
        self._saved = time.monotonic()
        self.fabric = _fabric(run)
        self.fabric.launch()
        optimizer = torch.optim.AdamW(
            [p for p in self.towers.parameters() if p.requires_grad],
            lr=self.config.learning_rate,
            weight_decay=WEIGHT_DECAY,
            # One pass over the weights instead of a dozen. Not on CUDA: with it Lightning cannot
            # clip gradients of mixed precision.
            fused=True if run.device.type == "cpu" else None,
        )
        self.module, self.optimizer = self.fabric.setup(self.towers, optimizer)

    # -- one step ---------------------------------------------------------------------------

    def step(self, inputs: Tensor, targets: Tensor, *, weight: float) -> Tensor:
        """Train on one batch with its weight; return its mean loss."""
        if self.config.mixup and len(inputs) > 1:
            inputs, targets = mixup(inputs, targets, alpha=self.config.mixup)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._learning_rate_factor(self.steps)
        loss: Tensor = self.module(inputs, targets)
        self.optimizer.zero_grad()
        self.fabric.backward(loss * weight)
        self.fabric.clip_gradients(
            self.module, self.optimizer, max_norm=LONGEST_GRADIENT, error_if_nonfinite=False
        )
        self.optimizer.step()
        self.steps += 1
        self._update_average()
        return loss.detach()

    def _learning_rate_factor(self, step: int) -> float:
        """Factor of the learning rate at a step: linear warm-up, then cosine decay."""
        steps = len(self.loader) * self.config.max_epochs
        rise = max(1, round(WARMUP_FRACTION * steps))
        if step < rise:
            return (step + 1) / rise
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

    @torch.no_grad()
    def _update_average(self) -> None:
        """Update the exponential moving average of the weights, bias-free from the start."""
        decay = min(AVERAGE_DECAY, (1 + self.steps) / (10 + self.steps))
        now = self.towers.state_dict()
        for name, mean in self.average.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(now[name], 1 - decay)
            else:
                mean.copy_(now[name])

    # -- one epoch --------------------------------------------------------------------------

    def epoch(self) -> None:
        """Train on every track once, validate, keep the best weights, save the state, report.

        All randomness follows from the seed, the epoch and the process.
        """
        device, processes = self.run.device, self.run.processes
        number, n_clips = len(self.history), len(self.loader.examples.ids)
        self.loader.epoch = number
        self.towers.train()
        own = [self.config.seed, number, processes.rank]
        torch.manual_seed(int(np.random.default_rng(own).integers(2**63)))
        began, total = time.perf_counter(), torch.zeros((), device=device)
        for batch in self.loader:
            inputs, targets = batch.inputs.to(device).float(), batch.targets.to(device)
            total += self.step(inputs, targets, weight=batch.weight) * len(inputs)
        rate = n_clips / (time.perf_counter() - began)
        mean = sum(processes.all_gather(float(total))) / n_clips
        # Different processors round differently, and all must stop, or save, or neither.
        row = processes.broadcast(EpochRow(number + 1, mean, self.validate(), rate))
        if not (math.isfinite(row.train_loss) and math.isfinite(row.validation_loss)):
            raise TrainingError(
                f"the loss diverged in epoch {row.epoch} (training {row.train_loss}, validation "
                f"{row.validation_loss}); lower learning_rate={self.config.learning_rate}"
            )
        self.history.append(row)
        if row == self.best_epoch:
            served = self.average.served().state_dict()
            self.best = {name: t.detach().cpu().clone() for name, t in served.items()}
        if self.finished:
            self._check_learned()
        # With short epochs, writing the state would take longer than running them again.
        due = self.finished or time.monotonic() - self._saved >= SAVE_SECONDS
        if self.run.directory is not None and processes.broadcast(due):
            if processes.first:
                save_state(self.run.directory, self._state(), key=self.run.key)
            self._saved = time.monotonic()
        note = f"loss {row.train_loss:.3f}  val {row.validation_loss:.3f}  {rate:.0f} clips/s"
        self.run.progress("train", row.epoch, self.config.max_epochs, note)

    @property
    def best_epoch(self) -> EpochRow:
        """The epoch with the lowest validation loss, the first of equal ones."""
        return min(self.history, key=lambda row: row.validation_loss)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the validation loss has not fallen for `patience`."""
        if not self.history:
            return False
        waited = len(self.history) - self.best_epoch.epoch
        return len(self.history) >= self.config.max_epochs or waited >= self.config.patience

    def validate(self) -> float:
        """Loss of the averaged weights on the validation tracks, predicted as in inference."""
        predictions = predicted(self.average.served(), self.validation, run=self.run)
        targets = torch.tensor(self.validation.targets)
        return float(self.loss.function(torch.from_numpy(np.array(predictions.vectors)), targets))

    def _check_learned(self) -> None:
        """Raise `TrainingError` if the best weights are far worse than none at all.

        Losses of directions are bounded; losses of lengths may diverge and stay finite.
        """
        if self.loss.norm == "unit":
            return
        best = self.best_epoch.validation_loss
        targets = torch.tensor(self.validation.targets)
        nothing = float(self.loss.function(torch.zeros_like(targets), targets))
        if best > MUCH_WORSE * nothing:
            raise TrainingError(
                f"the loss diverged (validation {best:.3g} at best, and predicting zero costs "
                f"{nothing:.3g}); lower learning_rate={self.config.learning_rate}"
            )

    # -- state ------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return {
            "towers": self.towers.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "history": [list(row) for row in self.history],
            "steps": self.steps,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Restore the state of a killed run."""
        self.towers.load_state_dict(state["towers"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.steps = state["best"], state["steps"]
        self.history = [EpochRow(*row) for row in state["history"]]


def fit_network(
    network: ContentNetwork,
    training: TrainingSet,
    validation: TrainingSet,
    *,
    crop: int,
    run: RunSettings,
) -> list[EpochRow]:
    """Train a network in place, resuming from the state of a killed run if there is one.

    `crop` is the frames of a training crop.
    """
    processes, config = run.processes, run.config
    loader = CropLoader(
        training, crop=crop, batch_size=config.batch_size, seed=config.seed, processes=processes
    )
    smallest = len(training.ids) // len(loader)
    if smallest < processes.size:
        raise ParameterError(
            f"batch_size={config.batch_size} leaves a batch of {smallest} to "
            f"{processes.size} processes; raise it, or start fewer"
        )
    loop = TrainingLoop(network, loader=loader, validation=validation, run=run)
    if run.directory is not None and (state := find_state(run.directory, key=run.key)):
        loop.resume(state)
    while not loop.finished:
        loop.epoch()
    network.load_state_dict(loop.best)
    return loop.history


def predicted(network: ContentNetwork, examples: TrainingSet, *, run: RunSettings) -> Embeddings:
    """Predict vectors of a set's tracks, as in inference; each process predicts a part."""
    network.to(run.device).eval()
    norm, processes = LOSSES[run.config.loss].norm, run.processes

    def vector(clips: list[np.ndarray]) -> np.ndarray:
        return track_vector(network, clips, crop=run.crop, norm=norm, device=run.device)

    mine = examples.clips[processes.share(len(examples.ids))]
    parts = processes.all_gather(list(ordered_map(vector, mine, device=run.device)))
    return Embeddings(examples.ids, np.stack([row for part in parts for row in part]))


def _fabric(run: RunSettings) -> Fabric:
    """Make Lightning's Fabric for this process and its peers: precision and gradients.

    Mixed precision is for CUDA; elsewhere it is full: a CPU emulates shorter types.
    """
    processes, cuda = run.processes, run.device.type == "cuda"
    precision: Any = "32-true"
    if cuda:
        precision = "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    how: dict[str, Any] = {"accelerator": run.device.type, "precision": precision}
    if processes.size == 1:
        # Explicit, or a batch scheduler's environment variables would be used.
        how["plugins"] = LightningEnvironment()
        return Fabric(devices=[run.device.index or 0] if cuda else 1, **how)
    n_nodes = processes.size // processes.local_size
    how |= {"strategy": DDPStrategy(), "plugins": TorchElasticEnvironment()}
    return Fabric(devices=processes.local_size, num_nodes=n_nodes, **how)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's advice in the terminal; restore the settings afterwards."""
    logger = logging.getLogger("lightning.fabric")
    before = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        try:
            logger.setLevel(logging.ERROR)
            yield
        finally:
            logger.setLevel(before)
