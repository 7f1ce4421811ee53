"""Picture of a match of two tracks: spectrograms with occlusion maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audiorec.exceptions import ParameterError
from audiorec.explain.occlusion import OccludedPart, Occlusion
from audiorec.explain.pair import Explanation
from audiorec.mel import MelStore
from audiorec.output_files import output_file
from audiorec.recommend import Library

CARRIES, HINDERS = "#0072b2", "#d55e00"  # distinguishable with any colour vision
RANGE_DB = 80.0


def draw_pair(library: Library, found: Explanation, file: Path) -> None:
    """Draw both spectrograms, with the loss of cosine for each occluded part.

    Parameters
    ----------
    library : Library
    found : Explanation
        With its `sound`.
    file : Path
        The suffix (``.png``, ``.svg``, ``.pdf``) sets the format.

    Raises
    ------
    ParameterError
        If there are no occlusion maps.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here: other answers do not draw
    from matplotlib.figure import Figure

    if found.sound is None:
        raise ParameterError("sound=None has nothing to draw; explain the pair with sound=True")
    store = MelStore(library.workspace.mels)
    names = [library.track(each.track_id).name for each in found.sound]
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{names[0]} and {names[1]}: cosine {found.score:.2f}, nearer than "
        f"{found.percentile:.1f} % of the pairs"
    )
    rows = figure.subfigures(2, 1, squeeze=False)
    assert isinstance(rows, np.ndarray)
    for row, each, name in zip(rows[:, 0], found.sound, names, strict=True):
        axes = row.subplots(
            2, 2, sharex="col", sharey="row", width_ratios=(5, 1), height_ratios=(1, 3)
        )
        _draw(axes, each, np.asarray(store.get(each.track_id), np.float32), name)
    with output_file(file) as aside:
        figure.savefig(aside, format=file.suffix[1:].lower(), dpi=130)


def _draw(axes: np.ndarray, found: Occlusion, mel: np.ndarray, name: str) -> None:
    """Draw one track: its spectrogram, losses by time above and by band beside it."""
    one = len(found.clip_starts) == 1
    begin = found.clip_starts[0] if one else 0.0
    end = begin + found.seconds[-1].end
    top = float(mel.max())
    axes[1, 0].imshow(
        mel, origin="lower", aspect="auto", cmap="magma", extent=(begin, end, 0, len(found.bands)),
        vmin=max(top - RANGE_DB, float(mel.min())), vmax=top, interpolation="nearest",
    )  # fmt: skip
    axes[1, 0].set(xlabel="seconds" if one else "seconds of each clip", xlim=(begin, end))
    edges = [0, *range(1, len(found.bands) + 1)]
    hertz = [found.bands[0].start, *(band.end for band in found.bands)]
    axes[1, 0].set_yticks(edges, [f"{value:.0f}" for value in hertz], fontsize=7)
    axes[1, 0].set_ylabel("Hz")
    starts = [begin + stretch.start for stretch in found.seconds]
    widths = [stretch.end - stretch.start for stretch in found.seconds]
    losses = [stretch.loss for stretch in found.seconds]
    colors = _colors(found.seconds)
    axes[0, 0].bar(starts, losses, widths, align="edge", color=colors, edgecolor="white")
    axes[0, 0].axhline(0, color="0.4", linewidth=0.8)
    axes[0, 0].set(title=f"{name}: what the cosine {found.cosine:.2f} of the sounds loses without")
    places = np.arange(len(found.bands)) + 0.5
    axes[1, 1].barh(places, [band.loss for band in found.bands], 0.9, color=_colors(found.bands))
    axes[1, 1].axvline(0, color="0.4", linewidth=0.8)
    axes[1, 1].tick_params(labelleft=False)
    axes[0, 1].axis("off")


def _colors(stretches: tuple[OccludedPart, ...]) -> list[str]:
    return [CARRIES if stretch.loss > 0 else HINDERS for stretch in stretches]
