"""Drawing primitives of the page: colours, markers, blank figures, inline SVG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Imports in functions: matplotlib, not needed for a report without a page.

# Distinguishable with any colour vision (Okabe & Ito 2008).
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)), (0, (3, 1)))
# By role of the system; the hatch shows the same in black and white.
ROLES = {
    "control": ("#999999", ""),
    "baseline": ("#56b4e9", "//"),
    "model": ("#d55e00", ""),
    "oracle": ("#0072b2", "xx"),
}
WIDTH = 7.6  # inches


class LineStyle(NamedTuple):
    """Line style of a series."""

    color: str
    marker: str
    dash: object


def style(number: int) -> LineStyle:
    """Return colour, marker and dashes of the series of a number."""
    return LineStyle(
        COLOURS[number % len(COLOURS)],
        MARKERS[number % len(MARKERS)],
        DASHES[number % len(DASHES)],
    )


def blank(height: float, *, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure without global state, and its axes, row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = list(grid.ravel())
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def picture(figure: Figure, *, alt: str) -> str:
    """Convert a figure to an image element with inline SVG."""
    import matplotlib as mpl

    stream = io.BytesIO()
    # text as outlines: identical on every machine, independent of fonts
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "audiorec", "font.size": 9}):
        figure.savefig(stream, format="svg", dpi=150, metadata={"Date": None})
    body = base64.b64encode(stream.getvalue()).decode()
    return f'<img alt="{escape(alt, quote=True)}" src="data:image/svg+xml;base64,{body}">'


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, figures: bool = True) -> str:
    """Format an HTML table of cells that are already HTML; the first column names the row."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    kind = ' class="figures"' if figures else ""
    return f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
