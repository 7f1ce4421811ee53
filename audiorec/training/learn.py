"""Whatever model a recipe asks for, learned from listeners' factors."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from audiorec.embeddings import Embeddings
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.transferred import Finetuned
from audiorec.pretrained.heard import Heard
from audiorec.pretrained.transfer import Model, fit_transfer
from audiorec.progress import Progress, silent
from audiorec.ridge import Ridge
from audiorec.training.curves import EpochRow
from audiorec.training.loop import TrainResult, train

if TYPE_CHECKING:
    from audiorec.factors import WeightedError
    from audiorec.mel.store import MelStore


class Learned(NamedTuple):
    """A model, and how it came to be.

    Attributes
    ----------
    model : Transfer or Checkpoint
        A ridge regression on frozen features, or what `train` gives.
    history : list of EpochRow
        Empty where nothing was learned in epochs.
    """

    model: Model
    history: Sequence[EpochRow] = ()


def learn(
    store: MelStore,
    targets: Embeddings,
    *,
    heard: Heard,
    groups: Mapping[str, str],
    model: ModelConfig,
    config: TrainConfig,
    listening: WeightedError | None = None,
    work_directory: Path | None = None,
    space: str = "",
    progress: Progress = silent,
    together: Mapping[str, Hashable] | None = None,
) -> Learned:
    """Learn what follows a pretrained encoder: a head, or its last layers too.

    Parameters
    ----------
    store : MelStore
        Spectrograms that the encoder hears.
    targets : Embeddings
        Factors of tracks.
    heard : Heard
        What the encoder hears of the store as it was published.
    groups : mapping of str to str
        Artist of each track. Choices are made on artists that were left out.
    model : ModelConfig
        Of a pretrained encoder.
    config, listening, work_directory, progress, together
        See `train`.
    space : str
        Fingerprint of the targets.

    Returns
    -------
    learned : Learned
    """
    if model.frozen and model.head == "linear":
        return Learned(
            fit_transfer(
                heard,
                targets,
                groups=groups,
                model=model,
                train=config,
                space=space,
                together=together,
            )
        )
    begin = None
    if model.finetune:
        known = targets.take([i for i in targets.ids if i in heard])
        start = fit_transfer(
            heard,
            known,
            groups=groups,
            model=model,
            train=config,
            parts=("mean",),
            together=together,
        ).head
        assert isinstance(start, Ridge)
        begin = _Beginning(model.encoder, start)
    result: TrainResult = train(
        store if model.finetune else heard,
        targets,
        groups=groups,
        model=model,
        config=config,
        listening=listening,
        work_directory=work_directory,
        space=space or None,
        progress=progress,
        begin=begin,
        together=together,
    )
    return Learned(result.checkpoint, result.history)


class _Beginning:
    """Give a network the published weights, and a regression for its last layer."""

    def __init__(self, encoder: str, start: Ridge) -> None:
        self._encoder, self._start = encoder, start

    def __call__(self, network: nn.Module) -> None:
        from audiorec.pretrained.encoder import load_network

        assert isinstance(network, Finetuned)
        slopes = self._start.weights / self._start.scale[:, None]
        network.begin(
            load_network(self._encoder).state_dict(),
            weights=slopes,
            intercept=self._start.intercept - self._start.centre @ slopes,
        )
