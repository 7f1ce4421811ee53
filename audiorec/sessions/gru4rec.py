"""GRU4Rec in torch (Hidasi et al., ICLR 2016; Hidasi & Karatzoglou, CIKM 2018)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from audiorec.sessions.config import GRU4RecConfig


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
    plays : np.ndarray [shape=(n_items,)], optional
        Plays of each item; by default all have some.
    """

    def __init__(
        self,
        n_items: int,
        *,
        config: GRU4RecConfig,
        plays: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(config.seed)
        dim = config.layers[-1]
        self.dim = dim
        # One column more than the embedding: the item's bias.
        self.items = torch.zeros(n_items, dim + 1)
        self.items[:, :dim] = uniform(n_items, dim, generator=generator)
        self.skip = nn.Parameter(torch.zeros(dim))
        sizes = (dim, *config.layers)
        self.cells = nn.ModuleList(
            GRUCell(n_in, n_out, generator=generator) for n_in, n_out in pairwise(sizes)
        )
        self.played = torch.from_numpy(np.ones(n_items) if plays is None else plays) > 0

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
            For the next step: without dropout.
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
