"""Inference of GRU4Rec in numpy: the arithmetic of `audiorec.sessions.gru4rec`, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from audiorec.sessions.gru4rec import GRU4Rec


NEVER = -1e9  # bias of an item that must not be recommended


class GRUWeights(NamedTuple):
    """Weights of one layer; see `audiorec.sessions.gru4rec.GRUCell`."""

    w: np.ndarray
    u_gates: np.ndarray
    u: np.ndarray
    b: np.ndarray

    def step(self, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        """State after an input : np.ndarray [shape=(n_hidden,)], float32."""
        n = len(self.u)
        given = x @ self.w + self.b
        gates = _sigmoid(given[: 2 * n] + h @ self.u_gates)
        r, z = gates[:n], gates[n:]
        candidate = np.tanh(given[2 * n :] + (r * h) @ self.u)
        return np.asarray((1 - z) * h + z * candidate)


class GRUModel:
    """A trained GRU4Rec.

    Parameters
    ----------
    items : np.ndarray [shape=(n_items, dim + 1)], float32
        Embedding of every item, and its bias.
    skip : np.ndarray [shape=(dim,)], float32
        Added to the embedding of a skipped item.
    cells : tuple of GRUWeights
    elu : float
        Parameter of the final ELU; 0 for none.
    project : np.ndarray [shape=(n_features + 1, dim + 1)], float32, or None
        From content to embedding and bias, the intercept last.
    """

    name = "gru4rec"

    def __init__(
        self,
        items: np.ndarray,
        skip: np.ndarray,
        cells: tuple[GRUWeights, ...],
        *,
        elu: float = 0.0,
        project: np.ndarray | None = None,
    ) -> None:
        self.items, self.skip, self.cells = items, skip, cells
        self.elu, self.project = elu, project

    @property
    def dim(self) -> int:
        """Width of an item's embedding."""
        return self.items.shape[1] - 1

    def embed_content(self, features: np.ndarray) -> np.ndarray:
        """Map content to the embedding and bias of items without plays.

        Parameters
        ----------
        features : np.ndarray [shape=(n, n_features)], float32

        Returns
        -------
        items : np.ndarray [shape=(n, dim + 1)], float32
        """
        assert self.project is not None
        return np.asarray(features @ self.project[:-1] + self.project[-1])

    def with_content_map(self, project: np.ndarray) -> GRUModel:
        """Replace the map from content."""
        return GRUModel(self.items, self.skip, self.cells, elu=self.elu, project=project)

    def with_items(self, items: np.ndarray) -> GRUModel:
        """Replace `items`."""
        return GRUModel(items, self.skip, self.cells, elu=self.elu, project=self.project)

    def outputs(self, inputs: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """Compute the output after each of a session's events.

        Parameters
        ----------
        inputs : np.ndarray [shape=(length, dim)], float32
            Embeddings of the events.
        skipped : np.ndarray [shape=(length,)], bool

        Returns
        -------
        outputs : np.ndarray [shape=(length, dim)], float32
        """
        states = [np.zeros(len(cell.u), dtype=np.float32) for cell in self.cells]
        outputs = np.empty((len(inputs), self.dim), dtype=np.float32)
        for number, (embedding, was_skipped) in enumerate(zip(inputs, skipped, strict=True)):
            x = embedding + self.skip if was_skipped else embedding
            for layer, cell in enumerate(self.cells):
                x = states[layer] = cell.step(x, states[layer])
            outputs[number] = x
        return outputs

    def score_outputs(self, outputs: np.ndarray, *, items: np.ndarray | None = None) -> np.ndarray:
        """Scores of items after each output.

        Parameters
        ----------
        outputs : np.ndarray [shape=(n, dim)], float32
        items : np.ndarray [shape=(n_items, dim + 1)], float32, optional
            By default the model's own.

        Returns
        -------
        scores : np.ndarray [shape=(n, n_items)], float32
        """
        items = self.items if items is None else items
        scores = outputs @ items[:, :-1].T + items[:, -1]
        if self.elu:
            scores = np.where(scores > 0, scores, self.elu * np.expm1(np.minimum(scores, 0)))
        return np.asarray(scores)

    def prefix_scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """Scores of all items after each event; see `audiorec.sessions.base.SessionModel`."""
        return self.score_outputs(self.outputs(self.items[items, :-1], skipped=skipped))

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `audiorec.sessions.base.SessionModel.scores`."""
        outputs = self.outputs(self.items[items, :-1], skipped=skipped)
        return np.asarray(self.score_outputs(outputs[-1:])[0])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return all weights, by name."""
        arrays = {"items": self.items, "skip": self.skip}
        for number, cell in enumerate(self.cells):
            arrays.update({f"{name}_{number}": a for name, a in cell._asdict().items()})
        return arrays if self.project is None else {**arrays, "project": self.project}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], *, elu: float) -> GRUModel:
        """Restore the model from `to_arrays`."""
        n_layers = sum(name.startswith("u_gates_") for name in arrays)
        cells = tuple(
            GRUWeights(*(arrays[f"{name}_{number}"] for name in GRUWeights._fields))
            for number in range(n_layers)
        )
        return cls(arrays["items"], arrays["skip"], cells, elu=elu, project=arrays.get("project"))

    @classmethod
    def from_network(cls, network: GRU4Rec) -> GRUModel:
        """Convert a trained network."""
        config = network.config
        items = network.items.numpy().copy()
        # Items without plays were not trained: they are never recommended.
        nothing = ~network.played.numpy()
        items[nothing, :-1], items[nothing, -1] = 0.0, NEVER
        cells = tuple(
            GRUWeights(
                *(getattr(cell, name).detach().numpy().copy() for name in GRUWeights._fields)
            )
            for cell in network.cells
        )
        elu = config.elu_param if config.loss == "bpr-max" else 0.0
        return cls(items, network.skip.detach().numpy().copy(), cells, elu=elu)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # Avoids the overflow of exp(-x) far below 0.
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))
