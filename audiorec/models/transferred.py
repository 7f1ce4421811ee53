"""Networks that begin where others have trained: a dense head, and musicnn that learns on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from audiorec.models.config import ModelConfig
from audiorec.models.musicnn import Musicnn


def dense_head(config: ModelConfig, n_inputs: int, n_outputs: int) -> nn.Module:
    """A hidden layer from what a frozen network says of windows to the listeners' space.

    Takes [batch, n_inputs, n_windows], standardised; the windows' mean is what it looks at.
    """
    return nn.Sequential(
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Dropout(config.dropout),
        nn.Linear(n_inputs, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, n_outputs),
    )


class Finetuned(nn.Module):
    """musicnn with a linear layer to the listeners' space in place of its tags.

    Parameters
    ----------
    config : ModelConfig
        Its ``finetune`` last layers learn: the dense one, the middle from the last to the first,
        the front end. Normalisation stays as it was published.
    n_outputs : int
    """

    def __init__(self, config: ModelConfig, n_outputs: int) -> None:
        super().__init__()
        self.musicnn = Musicnn()
        self.musicnn.output = nn.Linear(self.musicnn.d, n_outputs)
        layers: list[nn.Module] = [self.musicnn.dense, *reversed(list(self.musicnn.middle))]
        front = [self.musicnn.timbre, self.musicnn.rhythm]
        learning = layers[: config.finetune] + (front if config.finetune > len(layers) else [])
        self.musicnn.requires_grad_(False)
        for layer in (*learning, self.musicnn.output):
            for name, parameter in layer.named_parameters():
                parameter.requires_grad_("norm." not in name)

    def forward(self, x: Tensor) -> Tensor:
        """From log-mel [shape=(batch, n_mels, n_frames)] as published to vectors."""
        found: Tensor = self.musicnn(x).logits
        return found

    def begin(
        self, published: Mapping[str, Tensor], *, weights: np.ndarray, intercept: np.ndarray
    ) -> None:
        """Take the published weights, and a regression from its units for the last layer.

        Parameters
        ----------
        published : mapping of str to Tensor
            State of a `Musicnn`; its tags are left out.
        weights : np.ndarray [shape=(d, n_outputs)]
        intercept : np.ndarray [shape=(n_outputs,)]
        """
        state = {name: t for name, t in published.items() if not name.startswith("output.")}
        state["output.weight"] = torch.from_numpy(weights.T.astype(np.float32))
        state["output.bias"] = torch.from_numpy(intercept.astype(np.float32))
        self.musicnn.load_state_dict(state)
