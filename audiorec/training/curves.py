"""History of a training run, and its plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

BLUE, ORANGE = "#0072b2", "#d55e00"  # distinct in every kind of colour vision (Okabe & Ito 2008)


class EpochRow(NamedTuple):
    """One epoch: its number from 1, mean losses, and training crops per second."""

    epoch: int
    train_loss: float
    validation_loss: float
    clips_per_second: float


def plot_history(history: Sequence[EpochRow], path: Path) -> None:
    """Plot training and validation loss over the epochs; the suffix sets the picture's format.

    Examples
    --------
    >>> history = [EpochRow(1, 0.9, 0.8, 120.0), EpochRow(2, 0.7, 0.6, 118.0)]
    >>> plot_history(history, Path("loss.png"))
    """
    from matplotlib.figure import Figure  # here: only for a plot
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="loss")
    epochs, training, validation, _ = zip(*history, strict=True)
    axes.plot(epochs, training, color=BLUE, marker="o", label="training")
    axes.plot(
        epochs, validation, color=ORANGE, marker="s", linestyle="--", label="validation artists"
    )
    best = min(history, key=lambda row: row.validation_loss)
    axes.axvline(best.epoch, color="0.6", linewidth=1, zorder=0)
    axes.annotate(f"kept: {best.validation_loss:.3f}", (best.epoch, best.validation_loss))
    axes.legend(frameon=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
