"""GRU4Rec in torch (Hidasi et al., ICLR 2016; Hidasi & Karatzoglou, CIKM 2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from audiorec.data.sessions import Sessions
from audiorec.exceptions import ParameterError
from audiorec.progress import Progress, silent
from audiorec.sessions.batches import Step, parallel_steps
from audiorec.sessions.config import GRU4RecConfig
from audiorec.sessions.losses import bpr_max, cross_entropy, same_item

EPSILON = 1e-6
DRAWS_AT_ONCE = 256  # steps whose negatives are drawn together


class Content(NamedTuple):
    """What is known of items without a play.

    Attributes
    ----------
    features : np.ndarray [shape=(n_items, n_features)], float32
        Zeros where nothing is known.
    known : np.ndarray [shape=(n_items,)], bool
    """

    features: np.ndarray
    known: np.ndarray


def uniform(d0: int, d1: int, *, generator: torch.Generator, columns: int = 1) -> torch.Tensor:
    """Weights within +-sqrt(6 / (d0 + d1)) : torch.Tensor [shape=(d0, columns * d1)], float32."""
    bound = (6 / (d0 + d1)) ** 0.5
    return (2 * torch.rand(d0, columns * d1, generator=generator) - 1) * bound


class GRUCell(nn.Module):
    """A gated recurrent unit as in the paper: the reset gate acts before the product with U.

    h' = (1 - z) h + z tanh(W x + U (r h)), r = sigma(W_r x + U_r h), z = sigma(W_z x + U_z h)
    (equations 1 to 4). Torch's own cell has r (U h) in place of U (r h).
    """

    def __init__(self, n_in: int, n_hidden: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.n_hidden = n_hidden
        self.w = nn.Parameter(uniform(n_in, n_hidden, generator=generator, columns=3))
        self.u_gates = nn.Parameter(uniform(n_hidden, n_hidden, generator=generator, columns=2))
        self.u = nn.Parameter(uniform(n_hidden, n_hidden, generator=generator))
        self.b = nn.Parameter(torch.zeros(3 * n_hidden))

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """State after an input : torch.Tensor [shape=(b, n_hidden)]."""
        given = x @ self.w + self.b
        gates = torch.sigmoid(given[:, : 2 * self.n_hidden] + h @ self.u_gates)
        r, z = gates.chunk(2, dim=1)
        candidate = torch.tanh(given[:, 2 * self.n_hidden :] + (r * h) @ self.u)
        return (1 - z) * h + z * candidate


class GRU4Rec(nn.Module):
    """Item embeddings, GRU layers, and scores by the same embeddings.

    Parameters
    ----------
    n_items : int
    config : GRU4RecConfig
    content : Content, optional
        Then an item's embedding (and bias) is its content times a learned matrix, plus a residual
        of its own that fades in with the item's plays.
    plays : np.ndarray [shape=(n_items,)], optional
        Plays of each item; needed with `content`.
    """

    def __init__(
        self,
        n_items: int,
        *,
        config: GRU4RecConfig,
        content: Content | None = None,
        plays: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(config.seed)
        dim = config.layers[-1]
        self.dim = dim
        # A column more than the embedding has: the item's bias.
        self.items = torch.zeros(n_items, dim + 1)
        self.items[:, :dim] = uniform(n_items, dim, generator=generator)
        self.skip = nn.Parameter(torch.zeros(dim))
        sizes = (dim, *config.layers)
        self.cells = nn.ModuleList(
            GRUCell(n_in, n_out, generator=generator)
            for n_in, n_out in zip(sizes, sizes[1:], strict=False)
        )
        self.features: torch.Tensor | None = None
        self.fade = torch.ones(n_items)
        if content is not None:
            self._with_content(content, plays, generator)

    def _with_content(
        self, content: Content, plays: np.ndarray | None, generator: torch.Generator
    ) -> None:
        if plays is None or len(content.features) != len(self.items):
            raise ParameterError("content needs a row, and plays a number, for every item")
        features = torch.from_numpy(np.ascontiguousarray(content.features, dtype=np.float32))
        self.features = features
        self.known = torch.from_numpy(content.known.copy())
        weights = uniform(features.shape[1], self.dim + 1, generator=generator)
        weights[:, -1] = 0
        self.project = nn.Parameter(weights)
        self.fade = residual_weight(
            plays, known=content.known, half=self.config.content_half_plays
        )

    def embed(self, rows: torch.Tensor, residual: torch.Tensor, *, dropout: bool) -> torch.Tensor:
        """Embeddings and biases of items.

        Parameters
        ----------
        rows : torch.Tensor [shape=(n,)], int64
        residual : torch.Tensor [shape=(n, dim + 1)]
            Their rows of `items`.
        dropout : bool
            Whether residuals are left out at random, of items that have content.

        Returns
        -------
        embedding : torch.Tensor [shape=(n, dim + 1)]
        """
        if self.features is None:
            return residual
        weight = self.fade[rows]
        if dropout and self.config.item_dropout:
            gone = torch.rand(len(rows)) < self.config.item_dropout
            weight = torch.where(gone & self.known[rows], 0.0, weight)
        return self.features[rows] @ self.project + weight[:, None] * residual

    def forward(
        self, inputs: torch.Tensor, skipped: torch.Tensor, states: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """One step of all layers.

        Parameters
        ----------
        inputs : torch.Tensor [shape=(b, dim)]
            Embeddings of the items.
        skipped : torch.Tensor [shape=(b,)], bool
        states : list of torch.Tensor [shape=(b, n_hidden)]

        Returns
        -------
        output : torch.Tensor [shape=(b, dim)]
        states : list of torch.Tensor
            As they are kept for the next step: without dropout.
        """
        x = inputs + skipped[:, None] * self.skip
        x = nn.functional.dropout(x, self.config.dropout_p_embed, self.training)
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            h = cell(x, state)
            after.append(h)
            x = nn.functional.dropout(h, self.config.dropout_p_hidden, self.training)
        return x, after

    def activate(self, scores: torch.Tensor) -> torch.Tensor:
        """The network's last non-linearity: an ELU under BPR-max, none under cross-entropy."""
        if self.config.loss != "bpr-max" or not self.config.elu_param:
            return scores
        return nn.functional.elu(scores, alpha=self.config.elu_param)


def residual_weight(plays: np.ndarray, *, known: np.ndarray, half: float) -> torch.Tensor:
    """Weight of each item's residual: n / (n + half), 1 for items without content.

    Parameters
    ----------
    plays : np.ndarray [shape=(n_items,)]
    known : np.ndarray [shape=(n_items,)], bool
    half : float
    """
    weight = np.where(known, plays / (plays + half), 1.0)
    return torch.from_numpy(weight.astype(np.float32))


class AdagradMomentum:
    """Adagrad with classical momentum, for dense parameters and for rows of a table.

    Rows that a step does not touch keep their accumulator and their momentum.
    """

    def __init__(self, *, learning_rate: float, momentum: float) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self._squares: dict[int, torch.Tensor] = {}
        self._velocity: dict[int, torch.Tensor] = {}

    def step(self, parameter: torch.Tensor, gradient: torch.Tensor) -> None:
        """Move a parameter against its gradient."""
        squares, velocity = self._state(parameter)
        squares.addcmul_(gradient, gradient)
        velocity.mul_(self.momentum)
        velocity.addcdiv_(gradient, torch.sqrt(squares + EPSILON), value=-self.learning_rate)
        parameter.add_(velocity)

    def step_rows(self, table: torch.Tensor, rows: torch.Tensor, gradient: torch.Tensor) -> None:
        """Move some rows of a table; each may stand among `rows` once."""
        all_squares, all_velocity = self._state(table)
        squares = all_squares.index_select(0, rows).addcmul_(gradient, gradient)
        all_squares.index_copy_(0, rows, squares)
        move = squares.add_(EPSILON).rsqrt_().mul_(gradient).mul_(-self.learning_rate)
        if self.momentum:
            move.add_(all_velocity.index_select(0, rows), alpha=self.momentum)
            all_velocity.index_copy_(0, rows, move)
        table.index_add_(0, rows, move)

    def _state(self, parameter: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Accumulator of the squares, and velocity."""
        key = id(parameter)
        if key not in self._squares:
            self._squares[key] = torch.zeros_like(parameter)
            self._velocity[key] = torch.zeros_like(parameter)
        return self._squares[key], self._velocity[key]


class NegativeSampler:
    """Negatives shared by the rows of a step, drawn by popularity^alpha.

    Parameters
    ----------
    plays : np.ndarray [shape=(n_items,)]
    n_sample : int
    alpha : float
    rng : np.random.Generator
    """

    def __init__(
        self, plays: np.ndarray, *, n_sample: int, alpha: float, rng: np.random.Generator
    ) -> None:
        # Items that nobody has played (content alone) are drawn as if they had a play.
        counts = np.maximum(plays, 1).astype(np.float64)
        weights = counts**alpha
        self.log_sampled = np.log(weights / weights.sum()).astype(np.float32)
        self.log_batch = np.log(counts / counts.sum()).astype(np.float32)
        self._sums = np.cumsum(weights)
        self._n, self._rng, self._left = n_sample, rng, np.zeros((0, n_sample), dtype=np.int64)

    def draw(self) -> np.ndarray:
        """Items of one step : np.ndarray [shape=(n_sample,)], int64."""
        if not len(self._left):
            points = self._rng.random((DRAWS_AT_ONCE, self._n)) * self._sums[-1]
            self._left = np.searchsorted(self._sums, points, side="right")
        drawn, self._left = self._left[0], self._left[1:]
        return np.asarray(np.minimum(drawn, len(self._sums) - 1))


@dataclass
class Trainer:
    """What one pass over the sessions needs: network, optimiser, negatives."""

    network: GRU4Rec
    optimiser: AdagradMomentum
    sampler: NegativeSampler

    def epoch(self, sessions: Sessions, *, step_done: Callable[[int], None] | None = None) -> float:
        """Learn from all sessions once; return the mean loss of an event."""
        config = self.network.config
        states = [torch.zeros(config.batch_size, n) for n in config.layers]
        total, count = 0.0, 0
        self.network.train()
        for number, step in enumerate(parallel_steps(sessions, batch_size=config.batch_size)):
            n = int((~step.skipped_targets).sum())
            loss = self._learn(step, states)
            total, count = total + loss * n, count + n
            if step_done is not None:
                step_done(number)
        return total / max(count, 1)

    def _learn(self, step: Step, states: list[torch.Tensor]) -> float:
        """One step of the optimiser; the states of the step's slots go on, in place."""
        network = self.network
        inputs, targets = (
            torch.from_numpy(a.astype(np.int64)) for a in (step.inputs, step.targets)
        )
        columns = torch.cat([targets, torch.from_numpy(self.sampler.draw())])
        rows, inverse = torch.unique(torch.cat([inputs, columns]), return_inverse=True)
        residual = network.items.index_select(0, rows).requires_grad_()
        embedding = network.embed(rows, residual, dropout=True)
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
        self._descend(loss, rows, residual)
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

    def _descend(self, loss: torch.Tensor, rows: torch.Tensor, residual: torch.Tensor) -> None:
        parameters = list(self.network.parameters())
        gradients = torch.autograd.grad(loss, [residual, *parameters], allow_unused=True)
        with torch.no_grad():
            if gradients[0] is not None:
                self.optimiser.step_rows(self.network.items, rows, gradients[0])
            for parameter, gradient in zip(parameters, gradients[1:], strict=True):
                if gradient is not None:
                    self.optimiser.step(parameter, gradient)


def train_gru4rec(
    sessions: Sessions,
    *,
    config: GRU4RecConfig,
    content: Content | None = None,
    progress: Progress = silent,
) -> GRU4Rec:
    """Train GRU4Rec.

    Parameters
    ----------
    sessions : Sessions
        In the order of their starts.
    config : GRU4RecConfig
    content : Content, optional
        Of every item of the sessions, those without a play included.
    progress : Progress

    Returns
    -------
    network : GRU4Rec
    """
    torch.manual_seed(config.seed)
    plays = sessions.supports
    network = GRU4Rec(sessions.n_items, config=config, content=content, plays=plays)
    rng = np.random.default_rng(config.seed)
    trainer = Trainer(
        network,
        AdagradMomentum(learning_rate=config.learning_rate, momentum=config.momentum),
        NegativeSampler(plays, n_sample=config.n_sample, alpha=config.sample_alpha, rng=rng),
    )
    for epoch in range(config.n_epochs):
        loss = trainer.epoch(sessions)
        progress("gru4rec", epoch + 1, config.n_epochs, f"loss {loss:.4f}")
    network.eval()
    return network
