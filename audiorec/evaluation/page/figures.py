"""Pictures of the page, one function each, as image elements of a split's report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from audiorec.evaluation.candidates import THIRDS
from audiorec.evaluation.holdout import HoldoutKey
from audiorec.evaluation.holdout_scores import HoldoutScores
from audiorec.evaluation.page.draw import ROLES, blank, picture, style
from audiorec.evaluation.systems import Role
from audiorec.metrics import Interval

# Imports in functions: matplotlib, not needed for a report without a page.

Values = Mapping[str, float]
Ends = Mapping[str, Interval]


def bars(shares: Values, intervals: Ends, *, roles: Mapping[str, Role], metric: str) -> str:
    """Draw each system's share of ALS fold-in, with its interval."""
    from matplotlib.patches import Patch

    names = [name for name in shares if not math.isnan(shares[name])]
    if not names:
        return "<p>ALS fold-in is no better than random, so there is no share to show.</p>"
    figure, (axes,) = blank(0.9 + 0.3 * len(names))
    for row, name in enumerate(names):
        colour, hatch = ROLES[roles[name]]
        low, high = intervals[name]
        axes.barh(row, shares[name], color=colour, hatch=hatch, edgecolor="white", height=0.7)
        if not math.isnan(low):
            axes.plot([low, high], [row, row], color="black", linewidth=1.2)
            axes.plot([low, high], [row, row], "|", color="black", markersize=6)
        end = max(shares[name], 0 if math.isnan(high) else high, 0)
        axes.annotate(
            f"{shares[name]:.2f}", (end, row), xytext=(5, 0), textcoords="offset points",
            va="center",
        )  # fmt: skip
    shown = {roles[name] for name in names}
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=role)
        for role, (colour, hatch) in ROLES.items()
        if role in shown
    ]
    axes.legend(
        handles=handles, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4
    )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(1, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel=f"share of ALS fold-in's {metric} above chance")
    axes.margins(x=0.1)
    return picture(figure, alt=f"Bars: each system's share of ALS fold-in, {metric}")


def thirds(
    values: Mapping[str, Mapping[str, Values]],
    intervals: Mapping[str, Mapping[str, Ends]],
    *,
    metric: str,
) -> str:
    """Draw the accuracy of each system on each third of the candidates by popularity."""
    names = list(values[THIRDS[0]])
    figure, (axes,) = blank(1.2 + 0.38 * len(names))
    for number, third in enumerate(THIRDS):
        look = style(number)
        rows = np.arange(len(names)) + 0.22 * (number - 1)
        points = np.array([values[third][name][metric] for name in names])
        ends = np.array([intervals[third][name][metric] for name in names])
        axes.hlines(rows, ends[:, 0], ends[:, 1], color=look.color, linewidth=1.2)
        axes.plot(points, rows, look.marker, color=look.color, label=third)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    axes.set(xlabel=f"{metric} where only tracks of that third are right")
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return picture(figure, alt=f"Points: {metric} by popularity third for each system")


def lorenz(occurrences: Mapping[str, Sequence[np.ndarray]], gini: Values) -> str:
    """Draw Lorenz curves of the candidates' occurrences in all top tens."""
    figure, (axes,) = blank(3.8)
    grid = np.linspace(0, 1, 201)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="all alike")
    for number, (name, cells) in enumerate(occurrences.items()):
        curves = []
        for counts in cells:
            total = np.concatenate([[0], np.cumsum(np.sort(counts))])
            curves.append(np.interp(grid, np.linspace(0, 1, len(total)), total / total[-1]))
        look = style(number)
        label = f"{name}: {gini[name]:.2f}"
        axes.plot(grid, np.mean(curves, axis=0), color=look.color, ls=look.dash, label=label)
    axes.set(
        xlabel="share of the candidates, the least recommended first", xlim=(0, 1), ylim=(0, 1),
        ylabel="share of the places in lists of ten",
    )  # fmt: skip
    axes.legend(frameon=False, title="Gini", loc="upper left", bbox_to_anchor=(1.02, 1))
    return picture(figure, alt="Lorenz curves of exposure, with Gini coefficients")


def hubs(occurrences: Mapping[str, Sequence[np.ndarray]], skew: Values) -> str:
    """Draw a histogram of the k-occurrence, relative to uniform, on a logarithmic axis."""
    edges = np.array([0, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16])
    figure, (axes,) = blank(3.6)
    places = np.arange(len(edges) + 1)
    for number, (name, cells) in enumerate(occurrences.items()):
        shares = []
        for counts in cells:
            relative = counts / counts.mean()
            bins = np.where(relative > 0, np.searchsorted(edges, relative, side="right"), 0)
            held = np.bincount(bins, minlength=len(edges) + 1)
            shares.append(held / len(counts))
        look = style(number)
        axes.plot(
            places, np.mean(shares, axis=0), color=look.color, ls=look.dash, marker=look.marker,
            markersize=4, label=f"{name}: {skew[name]:.1f}",
        )  # fmt: skip
    names = ["never", "less", "1/8", "1/4", "1/2", *(f"{edge:.0f}" for edge in edges[4:])]
    axes.set_xticks(places, names)
    axes.set(
        xlabel="times in a list of ten, relative to an even distribution, at least",
        ylabel="share of the candidates", ylim=(0, None),
    )  # fmt: skip
    axes.legend(frameon=False, title="skew", loc="upper left", bbox_to_anchor=(1.02, 1))
    return picture(figure, alt="Histogram of how often candidates are among the ten best")


def histories(table: Mapping[HoldoutKey, Mapping[str, HoldoutScores]], name: str) -> str:
    """Draw training and validation loss of a system in each cell; nothing if not stored."""
    from matplotlib.ticker import MaxNLocator

    kept = [(cell, scores[name].history) for cell, scores in table.items() if name in scores]
    kept = [(cell, history) for cell, history in kept if history]
    if not kept:
        return ""
    columns = min(3, len(kept))
    rows = math.ceil(len(kept) / columns)
    figure, grid = blank(0.5 + 2.0 * rows, columns=columns, rows=rows)
    for axes, (cell, history) in zip(grid, kept, strict=False):
        epochs = range(1, len(history) + 1)
        for number, label in enumerate(("training", "validation artists")):
            look = style(number)
            losses = [row[number] for row in history]
            axes.plot(epochs, losses, color=look.color, ls=look.dash, label=label)
        best = int(np.nanargmin([validation for _, validation in history]))
        axes.plot(best + 1, history[best][1], "o", color=style(1).color, fillstyle="none")
        axes.set_title(str(cell).partition(", ")[2], fontsize=9)
        axes.set(xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    grid[0].set(ylabel="loss")
    grid[0].legend(frameon=False, fontsize=8)
    for axes in grid[len(kept) :]:
        axes.set_visible(False)
    return picture(figure, alt=f"Training and validation loss of {name} in each hold-out")


def track_scatter(
    points: np.ndarray, labels: Sequence[str], cold: np.ndarray, *, by: str, method: str
) -> str:
    """Draw tracks in the plane: training tracks as dots, new ones larger with an edge.

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2)]
    labels : sequence of str, length n
        Genres or artists, "" if unknown; the seven with most tracks get their own colours.
    cold : np.ndarray [shape=(n,)], bool
    by : str
        Kind of the labels.
    method : str
        Method of the layout.
    """
    figure, (axes,) = blank(5.2)
    of = np.asarray(labels, dtype=np.str_)
    names, counts = np.unique(of[of != ""], return_counts=True)
    shown = list(names[np.argsort(-counts, kind="stable")][:7])
    groups = [(name, of == name) for name in shown]
    rest = ~np.isin(of, shown)
    if rest.any():
        groups.append(("others" if shown else f"no {by} is known", rest))
    for number, (name, chosen) in enumerate(groups):
        look = style(number) if name in shown else style(7)._replace(marker="<")
        warm, new = chosen & ~cold, chosen & cold
        axes.scatter(
            points[warm, 0],
            points[warm, 1],
            s=9,
            c=look.color,
            marker=look.marker,
            alpha=0.5,
            linewidths=0,
            rasterized=True,
        )
        axes.scatter(
            points[new, 0],
            points[new, 1],
            s=30,
            c=look.color,
            marker=look.marker,
            edgecolors="black",
            linewidths=0.7,
            rasterized=True,
            label=name,
        )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1))
    return picture(figure, alt=f"Map of the tracks by {method}, coloured by {by}")
