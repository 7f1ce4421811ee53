"""The training step, the validation and the bookkeeping, as a Lightning module."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from audiorec.exceptions import TrainingError
from audiorec.models.config import TrainConfig
from audiorec.models.losses import LOSSES
from audiorec.models.predict import InputScale, predict
from audiorec.progress import Progress
from audiorec.ranks import ALONE, Team
from audiorec.training.augment import heard, mix
from audiorec.training.curves import EpochRow
from audiorec.training.data import Batch, Crops, Examples
from audiorec.training.pace import Pace
from audiorec.training.state import state_on_cpu

WARMUP_SHARE = 0.1  # of all steps, while the learning rate rises
MUCH_WORSE = 10.0  # than predicting zeros: nothing was learned
SAVE_SECONDS = 5.0  # between one state that is kept and the next
FORMS_AT_ONCE = 64  # in validation: a quadratic form takes the square of a vector's memory


class _Pairs(NamedTuple):
    """Tensors of a network and of the one that follows it: weights, and what only counts."""

    means: list[Tensor]
    now: list[Tensor]
    counts: list[tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, average: nn.Module, network: nn.Module) -> _Pairs:
        pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
        weights = [pair for pair in pairs if pair[0].is_floating_point()]
        counts = [pair for pair in pairs if not pair[0].is_floating_point()]
        return cls([mean for mean, _ in weights], [now for _, now in weights], counts)


class FactorModule(pl.LightningModule):
    """Learns `network`, keeps a running mean of its weights, and remembers the best of them.

    Parameters
    ----------
    network : nn.Module
    crops : Crops
        What it trains on.
    validation : Examples
    scale : InputScale
    config : TrainConfig
    state_directory : Path or None
        Where the state is kept, at the end of an epoch, `SAVE_SECONDS` after the last.
    progress : Progress
    team : Team
        Processes that share each batch.
    shifts : Tensor [shape=(n, n_mels, n_mels)], optional
        Of pitch, which are drawn from; see `audiorec.training.augment.heard`.

    Attributes
    ----------
    history : list of EpochRow
    best : dict of str to Tensor
        Weights of the epoch with the lowest validation loss.
    pace : Pace
        How it is trained: of a run that goes on, as before.
    compiled : list
        The network as torch compiled it, or nothing.
    """

    mean: Tensor
    std: Tensor
    everything: Tensor
    shifts: Tensor | None

    def __init__(
        self,
        network: nn.Module,
        *,
        crops: Crops,
        validation: Examples,
        scale: InputScale,
        config: TrainConfig,
        state_directory: Path | None,
        progress: Progress,
        team: Team = ALONE,
        shifts: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        # A mean that forgets at once is what it follows.
        self.average = copy.deepcopy(network).requires_grad_(False) if config.ema_decay else network
        self._pairs: _Pairs | None = None
        self.register_buffer("mean", torch.from_numpy(scale.mean))
        self.register_buffer("std", torch.from_numpy(scale.std))
        self.register_buffer("shifts", shifts, persistent=False)
        self.crops, self.validation, self.scale, self.config = crops, validation, scale, config
        self.state_directory, self.progress, self.team = state_directory, progress, team
        self.loss = LOSSES[config.loss]
        if self.loss.needs == "everything":
            memory = torch.from_numpy(crops.examples.targets)
            self.register_buffer("everything", memory, persistent=False)
        self.pace = Pace()
        self.compiled: list[Any] = []  # not an attribute of its own, whose weights would be kept
        self.history: list[EpochRow] = []
        self.best: dict[str, Tensor] = {}
        self._loss_sum: Tensor = torch.zeros(())
        self._steps = 0  # of the optimizer, in all
        self._began = 0.0
        self._saved = time.monotonic()

    # -- one step ---------------------------------------------------------------------------

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Loss of one batch."""
        mel = heard(batch.mel, config=self.config, mean=self.mean, std=self.std, shifts=self.shifts)
        targets = batch.targets
        if self.loss.needs == "everything":
            targets = targets._replace(everything=self.everything)
        if self.config.mixup:
            mel, targets = mix(mel, targets, alpha=self.config.mixup)
        loss = self.loss.function(self._predicted(mel, batch_index), targets)
        self._loss_sum += loss.detach() * len(batch.mel)
        # The mean over processes is taken of gradients that are each of the own examples alone.
        return loss * batch.weight * self.team.size

    def _predicted(self, mel: Tensor, batch_index: int) -> Tensor:
        """What the network says of a batch, each process of its share."""
        say = self.compiled[0] if self.compiled else self.network
        if self.team.size == 1:
            out: Tensor = say(mel).float()
            return out
        # What was drawn so far was drawn for the whole batch, by all processes alike. Each drops
        # out units of its own, and then all go on drawing where they were.
        state = torch.get_rng_state()
        where = [self.config.seed, len(self.history), batch_index, self.team.rank]
        torch.manual_seed(int(np.random.default_rng(where).integers(2**63)))
        part = say(mel[self.team.share(len(mel))]).float()
        torch.set_rng_state(state)
        return self.team.whole(part, n=len(mel))

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_index: int) -> None:
        """Let the running mean follow (exponential moving average, bias-free from the start)."""
        if (batch_index + 1) % self.crops.accumulate:
            return
        self._steps += 1
        if self.average is self.network:
            return
        if self._pairs is None:  # not sooner: where the tensors lie is settled now
            self._pairs = _Pairs.of(self.average, self.network)
        decay = min(self.config.ema_decay, (1 + self._steps) / (10 + self._steps))
        with torch.no_grad():
            torch._foreach_lerp_(self._pairs.means, self._pairs.now, 1 - decay)
            for mean, now in self._pairs.counts:
                mean.copy_(now)

    def configure_optimizers(self) -> Any:
        """AdamW, its rate a function of the step: a linear rise, then half a cosine down."""
        # One pass over the weights instead of a dozen; elsewhere torch chooses for itself, and
        # Lightning clips no gradients of mixed precision beside it.
        fused = self.device.type == "cpu" and self.pace.precision == "32-true"
        optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            fused=fused or None,
        )
        steps = self.crops.n_steps * self.config.max_epochs
        rise = max(1, round(WARMUP_SHARE * steps))

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
        """Let everything random follow from the seed and the epoch alone."""
        epoch = len(self.history)
        self.crops.epoch = epoch
        self.network.train()  # validation may have been of these very weights
        torch.manual_seed((self.config.seed << 20) + 1 + epoch)  # of dropout
        self._loss_sum = torch.zeros((), device=self.device)
        self._began = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        """Validate, remember, report; stop when nothing has become better for long enough."""
        n_clips = len(self.crops.examples.ids)
        rate = n_clips / (time.perf_counter() - self._began)
        row = EpochRow(
            len(self.history) + 1, float(self._loss_sum) / n_clips, self.validate(), rate
        )
        # Processors that differ round differently, and all must stop, or save, or neither.
        row = self.team.agree(row)
        if not (math.isfinite(row.train_loss) and math.isfinite(row.validation_loss)):
            raise TrainingError(
                f"the loss diverged in epoch {row.epoch} (training {row.train_loss}, validation "
                f"{row.validation_loss}); lower learning_rate={self.config.learning_rate}"
            )
        self.history.append(row)
        if row == min(self.history, key=lambda r: r.validation_loss):
            self.best = state_on_cpu(self.average)
        if self.finished:
            self._check_learned()
            self.trainer.should_stop = True
        if self.state_directory is not None and self.team.agree(self._save_is_due()):
            self.trainer.save_checkpoint(self.state_directory)
            self._saved = time.monotonic()
        note = f"loss {row.train_loss:.3f}  val {row.validation_loss:.3f}  {rate:.0f} clips/s"
        self.progress("train", row.epoch, self.config.max_epochs, note)

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
        mine = self.team.share(len(self.validation.ids))
        found = predict(
            self.average,
            zip(self.validation.ids[mine], self.validation.clips[mine], strict=True),
            scale=self.scale,
            window=self.crops.window,
            norm=self.loss.norm,
            batch_size=64,
            device=self.device,
        )
        parts = self.team.gathered([vector for _, vector in found])
        predictions = torch.from_numpy(np.stack([vector for part in parts for vector in part]))
        return self._loss_of(predictions)

    def _loss_of(self, predictions: Tensor) -> float:
        """Loss of predictions of the validation tracks, all at once where they bear on each other.

        The memory of all tracks is then that of training, and the validation tracks beside it.
        """
        rows = np.arange(len(predictions))
        if self.loss.needs == "form":
            blocks = np.array_split(rows, -(-len(rows) // FORMS_AT_ONCE))
            losses = [
                len(block) * self.loss.function(predictions[block], self.validation.wanted(block))
                for block in blocks
            ]
            return float(sum(losses)) / len(rows)
        targets = self.validation.wanted(rows)
        if self.loss.needs == "everything":
            known = torch.from_numpy(self.crops.examples.targets)
            theirs = torch.from_numpy(rows[:, None] + len(known))
            everything = torch.cat([known, targets.factors])
            targets = targets._replace(rows=theirs, everything=everything)
        return float(self.loss.function(predictions, targets))

    def _check_learned(self) -> None:
        """Raise `TrainingError` where the best weights are far worse than none at all.

        Losses of directions are bounded; one of lengths may diverge and stay finite.
        """
        if self.loss.norm == "unit":
            return
        best = min(row.validation_loss for row in self.history)
        nothing = self._loss_of(torch.zeros(self.validation.targets.shape))
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
            "pace": list(self.pace),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it back."""
        self.history = [EpochRow(*row) for row in checkpoint["audiorec"]["history"]]
        self.best = dict(checkpoint["audiorec"]["best"])
        self._steps = checkpoint["audiorec"]["steps"]
        self.pace = Pace(*checkpoint["audiorec"]["pace"])
