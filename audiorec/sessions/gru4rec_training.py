"""Training of GRU4Rec: negative sampling, Adagrad with momentum, epochs, and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from audiorec.artifacts import atomic_writer, fingerprint
from audiorec.data import Sessions
from audiorec.progress import Progress, silent
from audiorec.sessions.batches import Step, parallel_steps
from audiorec.sessions.config import GRU4RecConfig
from audiorec.sessions.gru4rec import GRU4Rec
from audiorec.sessions.gru4rec_numpy import GRUModel
from audiorec.sessions.losses import bpr_max, cross_entropy, same_item
from audiorec.sessions.metrics import Scores

EPSILON = 1e-6
DRAWS_AT_ONCE = 256  # steps whose negatives are drawn at once
MOST_STEPS = 4000  # of an epoch: with more events more sessions run in parallel
PATIENCE = 2  # epochs without a higher MRR@20 after which training stops


class AdagradMomentum:
    """Adagrad with classical momentum, for dense parameters and for rows of a table.

    Rows that a step does not touch keep their accumulator and their momentum.
    """

    def __init__(self, *, learning_rate: float, momentum: float) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self.squares: dict[str, torch.Tensor] = {}
        self.velocity: dict[str, torch.Tensor] = {}

    def step(self, name: str, parameter: torch.Tensor, gradient: torch.Tensor) -> None:
        """Update a parameter by its gradient; its `name` identifies its state."""
        squares, velocity = self._state(name, parameter)
        squares.addcmul_(gradient, gradient)
        velocity.mul_(self.momentum)
        velocity.addcdiv_(gradient, torch.sqrt(squares + EPSILON), value=-self.learning_rate)
        parameter.add_(velocity)

    def step_rows(
        self, name: str, table: torch.Tensor, rows: torch.Tensor, gradient: torch.Tensor
    ) -> None:
        """Update some rows of a table; each may occur among `rows` once."""
        all_squares, all_velocity = self._state(name, table)
        squares = all_squares.index_select(0, rows).addcmul_(gradient, gradient)
        all_squares.index_copy_(0, rows, squares)
        move = squares.add_(EPSILON).rsqrt_().mul_(gradient).mul_(-self.learning_rate)
        if self.momentum:
            move.add_(all_velocity.index_select(0, rows), alpha=self.momentum)
            all_velocity.index_copy_(0, rows, move)
        table.index_add_(0, rows, move)

    def _state(self, name: str, parameter: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Accumulator of the squares, and velocity."""
        if name not in self.squares:
            self.squares[name] = torch.zeros_like(parameter)
            self.velocity[name] = torch.zeros_like(parameter)
        return self.squares[name], self.velocity[name]


class NegativeSampler:
    """Negatives shared by the rows of a step, drawn by popularity^alpha.

    Parameters
    ----------
    plays : np.ndarray [shape=(n_items,)]
    n_sample : int
    alpha : float
    """

    def __init__(self, plays: np.ndarray, *, n_sample: int, alpha: float) -> None:
        # Items without plays (content alone) are never drawn: as negatives only they would teach
        # the network that such content is never played.
        counts = plays.astype(np.float64)
        weights = np.where(counts > 0, counts**alpha, 0.0)
        with np.errstate(divide="ignore"):
            self.log_sampled = np.log(weights / weights.sum()).astype(np.float32)
        # Items that were only ever skipped have no plays, but are among the batch's columns.
        self.log_batch = np.log(np.maximum(counts, 1) / counts.sum()).astype(np.float32)
        self._sums = np.cumsum(weights)
        self._n = n_sample
        self.reseed(0)

    def reseed(self, *seed: int) -> None:
        """Seed the draws of an epoch."""
        self._rng = np.random.default_rng(seed)
        self._left = np.zeros((0, self._n), dtype=np.int64)

    def draw(self) -> np.ndarray:
        """Items of one step : np.ndarray [shape=(n_sample,)], int64."""
        if not len(self._left):
            points = self._rng.random((DRAWS_AT_ONCE, self._n)) * self._sums[-1]
            self._left = np.searchsorted(self._sums, points, side="right")
        drawn, self._left = self._left[0], self._left[1:]
        return np.asarray(np.minimum(drawn, len(self._sums) - 1))


class Trainer:
    """A network, its optimiser and its negatives.

    Parameters
    ----------
    sessions : Sessions
        In the order of their starts.
    config : GRU4RecConfig
    """

    def __init__(self, sessions: Sessions, *, config: GRU4RecConfig) -> None:
        plays = sessions.supports
        self.sessions, self.config = sessions, config
        self.batch_size = max(config.batch_size, -(-sessions.n_events // MOST_STEPS))
        self.network = GRU4Rec(sessions.n_items, config=config, plays=plays)
        self.optimiser = AdagradMomentum(
            learning_rate=config.learning_rate, momentum=config.momentum
        )
        self.sampler = NegativeSampler(plays, n_sample=config.n_sample, alpha=config.sample_alpha)

    def epoch(self, number: int) -> float:
        """Train on all sessions once, with the draws of this epoch; return the mean loss."""
        config = self.config
        torch.manual_seed(config.seed * 1_000_003 + number)
        self.sampler.reseed(config.seed, number)
        states = [torch.zeros(self.batch_size, n) for n in config.layers]
        total, count = 0.0, 0
        self.network.train()
        for step in parallel_steps(self.sessions, batch_size=self.batch_size):
            n = int((~step.skipped_targets).sum())
            total, count = total + self._learn(step, states) * n, count + n
        return total / max(count, 1)

    def _learn(self, step: Step, states: list[torch.Tensor]) -> float:
        """One step of the optimiser; the states of the step's slots are updated in place."""
        network = self.network
        inputs, targets = (
            torch.from_numpy(a.astype(np.int64)) for a in (step.inputs, step.targets)
        )
        columns = torch.cat([targets, torch.from_numpy(self.sampler.draw())])
        rows, inverse = torch.unique(torch.cat([inputs, columns]), return_inverse=True)
        embedding = network.items.index_select(0, rows).requires_grad_()
        slots = torch.from_numpy(step.slots)
        kept = torch.from_numpy(~step.first)[:, None]
        before = [state[slots] * kept for state in states]
        skipped = torch.from_numpy(step.skipped_inputs)
        given = embedding.index_select(0, inverse[: len(inputs)])[:, : network.dim]
        output, after = network(given, skipped, before)
        for state, h in zip(states, after, strict=True):
            state[slots] = h.detach()
        counted = torch.from_numpy(~step.skipped_targets)
        if not bool(counted.any()):
            return 0.0
        scored = embedding.index_select(0, inverse[len(inputs) :])
        scores = network.activate(output @ scored[:, : network.dim].T + scored[:, network.dim])
        loss = self._loss(scores, targets, columns, counted)
        self._descend(loss, rows, embedding)
        return float(loss.detach())

    def _loss(
        self,
        scores: torch.Tensor,
        targets: torch.Tensor,
        columns: torch.Tensor,
        counted: torch.Tensor,
    ) -> torch.Tensor:
        config, same = self.network.config, same_item(targets, columns)
        if config.loss == "bpr-max":
            return bpr_max(scores, same=same, counted=counted, bpreg=config.bpreg)
        n = len(targets)
        log_q = np.concatenate(
            [
                self.sampler.log_batch[columns[:n].numpy()],
                self.sampler.log_sampled[columns[n:].numpy()],
            ]
        )
        corrections = config.logq * torch.from_numpy(log_q)
        return cross_entropy(scores, log_q=corrections, same=same, counted=counted)

    def _descend(self, loss: torch.Tensor, rows: torch.Tensor, embedding: torch.Tensor) -> None:
        names, parameters = zip(*self.network.named_parameters(), strict=True)
        gradients = torch.autograd.grad(loss, [embedding, *parameters])
        with torch.no_grad():
            self.optimiser.step_rows("items", self.network.items, rows, gradients[0])
            for name, parameter, gradient in zip(names, parameters, gradients[1:], strict=True):
                self.optimiser.step(name, parameter, gradient)

    def state(self) -> dict[str, torch.Tensor]:
        """All state of the training, by name."""
        state = {"items": self.network.items}
        state.update({f"network.{n}": p.detach() for n, p in self.network.named_parameters()})
        state.update({f"squares.{n}": t for n, t in self.optimiser.squares.items()})
        state.update({f"velocity.{n}": t for n, t in self.optimiser.velocity.items()})
        return state

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Restore a `state`."""
        self.network.items = state["items"]
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(state[f"network.{name}"])
        for name, tensor in state.items():
            kind, _, rest = name.partition(".")
            if kind in ("squares", "velocity"):
                getattr(self.optimiser, kind)[rest] = tensor


def train_gru4rec(
    sessions: Sessions,
    *,
    config: GRU4RecConfig,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> GRU4Rec:
    """Train GRU4Rec.

    Parameters
    ----------
    sessions, config
        See `Trainer`.
    checkpoint : Path, optional
        File of the state after each epoch. If it is of the same sessions and settings, training
        resumes from it, with the same weights as a result.
    progress : Progress

    Returns
    -------
    network : GRU4Rec
    """
    trainer = Trainer(sessions, config=config)
    for _ in _epochs(trainer, checkpoint, progress, score=None):
        pass
    return trainer.network.eval()


def score_epochs(
    sessions: Sessions,
    *,
    config: GRU4RecConfig,
    score: Callable[[GRUModel], Scores],
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> list[Scores]:
    """Train GRU4Rec until its score has not risen for `PATIENCE` epochs.

    Parameters
    ----------
    sessions, config
        See `train_gru4rec`.
    score : callable
        Scores the model, on sessions that it is not trained on.
    checkpoint, progress
        See `train_gru4rec`.

    Returns
    -------
    scores : list of Scores
        After each epoch.
    """
    trainer = Trainer(sessions, config=config)

    def after_epoch() -> Scores:
        return score(GRUModel.from_network(trainer.network.eval()))

    scores: list[Scores] = []
    for scores in _epochs(trainer, checkpoint, progress, score=after_epoch):
        best = scores.index(max(scores))
        if len(scores) - 1 - best >= PATIENCE:
            break
    return scores


def _epochs(
    trainer: Trainer,
    checkpoint: Path | None,
    progress: Progress,
    *,
    score: Callable[[], Scores] | None,
) -> Iterator[list[Scores]]:
    """Train epoch by epoch, and yield all scores after each, those before a kill first."""
    n_epochs = trainer.config.n_epochs
    key = _key(trainer) if checkpoint is not None else ""
    done, scores = (0, []) if checkpoint is None else _resume(trainer, checkpoint, key)
    if done:
        yield scores
    for epoch in range(done, n_epochs):
        progress("gru4rec", epoch, n_epochs)
        note = f"loss {trainer.epoch(epoch):.4f}"
        if score is not None:
            scores.append(score())
            note = f"{note}, MRR@20 {scores[-1].mrr:.3f}"
        if checkpoint is not None:
            _save(trainer, checkpoint, {"key": key, "epochs": epoch + 1, "scores": scores})
        progress("gru4rec", epoch + 1, n_epochs, note)
        yield scores


def _key(trainer: Trainer) -> str:
    """Digest of everything that the weights depend on."""
    sessions, config = trainer.sessions, trainer.config
    arrays = [sessions.items, sessions.offsets, sessions.skipped]
    digests = [fingerprint(np.ascontiguousarray(array).tobytes()) for array in arrays]
    return fingerprint([digests, sessions.n_items, config.model_dump(mode="json")])


def _save(trainer: Trainer, checkpoint: Path, about: dict[str, object]) -> None:
    with atomic_writer(checkpoint) as stream:
        stream.write(save(trainer.state(), metadata={"about": json.dumps(about)}))


def _resume(trainer: Trainer, checkpoint: Path, key: str) -> tuple[int, list[Scores]]:
    """Restore the state of a killed run; return the number of finished epochs, and scores."""
    try:
        with safe_open(checkpoint, framework="pt") as stored:
            about = json.loads(stored.metadata()["about"])
            if about["key"] != key:
                return 0, []
            trainer.restore({name: stored.get_tensor(name).clone() for name in stored.keys()})  # noqa: SIM118 - no dict
    except (OSError, SafetensorError, KeyError, ValueError):
        return 0, []  # missing or torn: start anew
    return int(about["epochs"]), [Scores(*row) for row in about["scores"]]
