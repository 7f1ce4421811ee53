"""What a network's ear, which listeners do not teach, tells of the examples: asked once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from audiorec.exceptions import ParameterError
from audiorec.models.config import TrainConfig
from audiorec.models.predict import InputScale, cut, standardize, window_starts
from audiorec.progress import Progress
from audiorec.ranks import ALONE, Team
from audiorec.training.data import Examples

AT_A_TIME = 64  # windows
MOST_TOLD = 50_000  # tracks, times the pitches that they are heard at: some 3 GB at the peak
USUAL_SHIFT = 2  # semitones; farther and more of them gave no more


def other_pitches(config: TrainConfig, *, n: int) -> list[int]:
    """Semitones away from its own pitch at which each crop of `n` tracks is heard too."""
    if config.pitch_shift == "auto":
        most = min(USUAL_SHIFT, _most_shift(n))
    else:
        most = int(config.pitch_shift)
    return [*range(-most, 0), *range(1, most + 1)]


def _most_shift(n: int) -> int:
    """Semitones up and down at which what is told of `n` tracks can be kept."""
    return max(0, (MOST_TOLD // max(1, n) - 1) // 2)


def check_unaltered(config: TrainConfig, *, architecture: str, n: int) -> None:
    """Raise `ParameterError` where crops are to be altered and the ear hears them only once.

    It can hear them at other whole semitones, if of the `n` tracks that is not too much to keep.
    """
    if config.pitch_shift != "auto" and config.pitch_shift % 1:
        raise ParameterError(
            f"pitch_shift={config.pitch_shift:g} is no whole number of semitones, at which alone "
            f"{architecture} hears each crop; write {round(config.pitch_shift)} under [train]"
        )
    pitches = 1 + len(other_pitches(config, n=n))
    if pitches > 1 and n * pitches > MOST_TOLD:
        raise ParameterError(
            f"pitch_shift={config.pitch_shift:g} has {n} tracks heard at {pitches} pitches each, "
            f"and what is told of {MOST_TOLD} is the most that is kept in memory; write "
            f"pitch_shift = {_most_shift(n)} under [train]"
        )
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
    shifts: torch.Tensor | None = None,
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
    shifts : Tensor [shape=(n, n_mels, n_mels)], optional
        `audiorec.training.augment.pitch_shifts`, at which windows are heard too.

    Returns
    -------
    told : Examples
        Each track has one clip : np.ndarray [shape=(size, n_windows)], float16, and behind it one
        for each of `shifts`.
    """
    ear = ear.to(device).eval()
    mean, std = (torch.from_numpy(part).to(device) for part in scale)
    moves = () if shifts is None else tuple(shifts.numpy())
    owners: list[list[tuple[int, int]]] = [[]]  # track and pitch of the windows of each batch
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
                plain = cut(mel, int(start), window=window)
                for pitch in range(1 + len(moves)):
                    windows.append(moves[pitch - 1] @ plain if pitch else plain)
                    owners[-1].append((number, pitch))
                    if len(windows) == AT_A_TIME:
                        ask()
                        progress("describe", number, len(examples.ids))
    if windows:
        ask()
    told: list[list[list[np.ndarray]]] = [[[] for _ in (None, *moves)] for _ in examples.ids]
    everyones = {number: told_ for part in team.gathered(rows) for number, told_ in part.items()}
    for number, whose in enumerate(owners[:-1]):
        for (owner, pitch), row in zip(whose, everyones[number], strict=True):
            told[owner][pitch].append(row)
    progress("describe", len(examples.ids), len(examples.ids))
    return replace(examples, clips=[[np.stack(rows, axis=1) for rows in each] for each in told])


def as_they_are(told: Examples) -> Examples:
    """What was heard at the pitch that it has."""
    return replace(told, clips=[clips[:1] for clips in told.clips])
