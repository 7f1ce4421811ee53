"""What a network's ear, which listeners do not teach, tells of the examples: asked once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from audiorec.config import TrainConfig
from audiorec.exceptions import ParameterError
from audiorec.models.predict import InputScale, cut, standardize, window_starts
from audiorec.progress import Progress
from audiorec.ranks import ALONE, Team
from audiorec.training.data import Examples

AT_A_TIME = 64  # windows


def check_unaltered(config: TrainConfig, *, architecture: str) -> None:
    """Raise `ParameterError` where crops are to be altered and the ear hears them only once."""
    for key in ("gain_db", "filter_db", "time_mask", "band_mask"):
        if getattr(config, key):
            raise ParameterError(
                f"{key}={getattr(config, key):g} alters crops anew in every epoch, and "
                f"{architecture} hears each of them once; write {key} = 0 under [train]"
            )


def heard_once(
    examples: Examples,
    *,
    ear: nn.Module,
    scale: InputScale,
    window: int,
    device: torch.device,
    progress: Progress,
    team: Team = ALONE,
) -> Examples:
    """The examples with what the ear tells of their windows in place of their sound.

    Parameters
    ----------
    examples : Examples
    ear : nn.Module
        From standardised log-mel [batch, n_mels, window] to [batch, size].
    scale : InputScale
    window : int
        Frames that the ear hears at once; windows lie evenly over a clip, as in inference.
    device : torch.device
    progress : Progress
    team : Team
        Processes that take turns at the batches, which are those that one would make.

    Returns
    -------
    told : Examples
        Each track has one clip : np.ndarray [shape=(size, n_windows)], float16.
    """
    ear = ear.to(device).eval()
    mean, std = (torch.from_numpy(part).to(device) for part in scale)
    owners: list[list[int]] = [[]]  # of the windows of each batch
    rows: dict[int, np.ndarray] = {}  # what is told of each batch
    windows: list[np.ndarray] = []

    def ask() -> None:
        number = len(owners) - 1
        if number % team.size == team.rank:
            batch = standardize(torch.from_numpy(np.stack(windows)).to(device), mean=mean, std=std)
            with torch.inference_mode():
                rows[number] = ear(batch).cpu().numpy().astype(np.float16)
        owners.append([])
        windows.clear()

    for number, clips in enumerate(examples.clips):
        for mel in clips:
            for start in window_starts(mel.shape[1], window=window):
                windows.append(cut(mel, int(start), window=window))
                owners[-1].append(number)
                if len(windows) == AT_A_TIME:
                    ask()
                    progress("describe", number, len(examples.ids))
    if windows:
        ask()
    told: list[list[np.ndarray]] = [[] for _ in examples.ids]
    everyones = {number: told_ for part in team.gathered(rows) for number, told_ in part.items()}
    for number, whose in enumerate(owners[:-1]):
        for owner, row in zip(whose, everyones[number], strict=True):
            told[owner].append(row)
    progress("describe", len(examples.ids), len(examples.ids))
    return replace(examples, clips=[[np.stack(each, axis=1)] for each in told])
