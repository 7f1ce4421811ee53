"""The page: its structure, text and style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from audiorec import __version__, metrics
from audiorec.evaluation.beyond_accuracy import FIGURES, BeyondAccuracy, DrawDetails
from audiorec.evaluation.holdout_scores import HEADLINE, SCORINGS, HoldoutScores
from audiorec.evaluation.page import figures
from audiorec.evaluation.page.draw import table
from audiorec.evaluation.report import PageData, Report, SplitReport
from audiorec.evaluation.systems import ORACLE, RANDOM, Role
from audiorec.evaluation.text_tables import COLUMNS, DEEPER, FOCUS, count
from audiorec.index.exact import spread_rows
from audiorec.metrics import Interval
from audiorec.output_files import write_output
from audiorec.pipeline import Recipe

N_EXAMPLES = 6
MIN_LISTENERS = 5  # below, a track's AUC is mostly chance
MAX_POINTS = 2000
N_CURVES = 7

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111; background: #fff; margin: 2em auto;
  max-width: 62em; padding: 0 1em; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.2em; border-bottom: 1px solid #ccc; }
figure { margin: 1em 0; break-inside: avoid; } figcaption, .notes { color: #444; font-size: 13px; }
img { max-width: 100%; height: auto; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; margin: 1em 0; }
th, td { padding: .2em .6em; border-bottom: 1px solid #ddd; vertical-align: top; }
thead th { border-bottom: 2px solid #333; text-align: left; } tbody th { font-weight: 600;
  text-align: left; } .figures td, .figures thead th + th { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { font-size: 12px; white-space: pre-wrap; }
small { display: block; color: #555; font-size: 11px; } tr { break-inside: avoid; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } h2 { break-after: avoid; }
  table { font-size: 8pt; } small { font-size: 7pt; } th, td { padding: .15em .35em; } }
"""


def write_page(report: Report, path: Path, *, recipe: Recipe) -> None:
    """Write an evaluation as one self-contained HTML file.

    Parameters
    ----------
    report : Report
    path : Path
    recipe : Recipe
        Evaluated recipe, shown in full on the page, so that it can be repeated.

    Raises
    ------
    ArtifactError
        If the file cannot be written.
    """
    body = "\n".join(map(_split, report.splits))
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation</title><style>{STYLE}</style></head><body>\n"
        f"<h1>Evaluation</h1>\n{body}\n"
        f"<h2>Recipe</h2><p>audiorec {__version__}</p>"
        f"<pre>{escape(recipe.to_toml())}</pre>\n</body></html>\n"
    )
    write_output(path, page.encode())


def _split(split: SplitReport) -> str:
    title = (
        f"{split.n_users} listeners, {split.n_tracks} new {split.ranked}, "
        f"{count(len(split.cells), 'hold-out')} ({count(len(split.seeds), 'seed')}), "
        f"{split.seconds['total']:.0f} s"
    )
    parts = [f"<h2>{escape(split.split)}</h2><p>{escape(title)}</p>", _accuracy(split)]
    if split.scene is not None:
        parts += _beyond(split)
        parts += _tracks(split, split.scene)
    notes = "".join(f"<li>{escape(note)}</li>" for note in split.notes)
    return "\n".join([*parts, f'<h3>Notes</h3><ul class="notes">{notes}</ul>'])


def _accuracy(split: SplitReport) -> str:
    other = next(name for name in SCORINGS if name != HEADLINE)
    header = ["", *COLUMNS, f"share, {FOCUS}", "+/-", f"by {other}"]
    rows = []
    for name, means in split.means[HEADLINE].items():
        ends = split.mean_intervals[HEADLINE][name]
        rows.append(
            [
                escape(name),
                *(_figure(means[m], ends[m]) for m in COLUMNS),
                _figure(
                    split.shares[HEADLINE][name][FOCUS],
                    split.share_intervals[HEADLINE][name][FOCUS],
                ),
                _figure(split.spread[name][FOCUS]),
                _figure(split.shares[other][name][FOCUS]),
            ]
        )
    chart = figures.bars(
        {name: values[FOCUS] for name, values in split.shares[HEADLINE].items()},
        {name: values[FOCUS] for name, values in split.share_intervals[HEADLINE].items()},
        roles=split.roles,
        metric=FOCUS,
    )
    caption = "Share of ALS fold-in. Lines: 95 % intervals over listeners and artists."
    return (
        f'<div class="wide">{table(header, rows)}</div>'
        + _captioned(chart, caption)
        + _deeper_metrics(split)
    )


def _deeper_metrics(split: SplitReport) -> str:
    """Format the metrics that are not in the first table."""
    means, ends = split.means[HEADLINE], split.mean_intervals[HEADLINE]
    rows = [
        [escape(name), *(_figure(means[name][m], ends[name][m]) for m in DEEPER)] for name in means
    ]
    return (
        f'<h3>Shorter and longer lists</h3><div class="wide">{table(["", *DEEPER], rows)}</div>'
        '<p class="notes">Where there are fewer candidates than places, recall is 1 in any '
        "order.</p>"
    )


def _beyond(split: SplitReport) -> list[str]:
    beyond = split.beyond
    parts = ["<h3>By popularity</h3>"]
    parts.append(
        _captioned(
            figures.thirds(beyond.thirds, beyond.third_intervals, metric="AUC"),
            "All candidates are ranked; right are those of one third, by how many listeners they "
            "came to have. .5 is chance.",
        )
    )
    if beyond.mixed:
        parts.append("<h3>New tracks among the known</h3>")
        header = ["", *COLUMNS, f"share, {FOCUS}"]
        rows = [
            [
                escape(name),
                *(_figure(values[m], beyond.mixed_intervals[name][m]) for m in COLUMNS),
                _figure(
                    beyond.mixed_shares[name][FOCUS], beyond.mixed_share_intervals[name][FOCUS]
                ),
            ]
            for name, values in beyond.mixed.items()
        ]
        parts.append(f'<div class="wide">{table(header, rows)}</div>')
        parts.append(
            '<p class="notes">The same new tracks, ranked among these and all training tracks '
            "that the listener is not known to have played. Only new tracks count as right, so "
            "that ranking all of them first is rewarded: compare with shuffled "
            "features.</p>"
        )
    return parts + _exposure(split, beyond)


def _exposure(split: SplitReport, beyond: BeyondAccuracy) -> list[str]:
    scene = split.scene
    assert scene is not None
    parts = ["<h3>Exposure and hubs</h3>"]
    rows = [
        [escape(name), *(_figure(values[figure]) for figure in FIGURES)]
        for name, values in beyond.exposure.items()
    ]
    header = [
        "ten best", "coverage", "Gini", "skew", "self-information, bits", "same artist",
        "diversity",
    ]  # fmt: skip
    parts.append(f'<div class="wide">{table(header, rows)}</div>')
    parts.append(
        '<p class="notes">Coverage: share of the candidates in somebody\'s ten best. Skew of the '
        "k-occurrence: above 1 there are hubs. Same artist: share of the pairs of a list. "
        "Diversity: 1 - cosine of mel statistics, mean over pairs.</p>"
    )
    shown = _curves(list(beyond.exposure), split.roles)
    occurrences = {
        name: [scores[name].details.occurrence for scores in scene.table.values()] for name in shown
    }
    exposure = {
        figure: {name: beyond.exposure[name][figure] for name in shown}
        for figure in ("Gini", "skew")
    }
    parts.append(
        _captioned(
            figures.lorenz(occurrences, exposure["Gini"]),
            "Exposure: how the places in all lists of ten are distributed among the candidates.",
        )
    )
    parts.append(
        _captioned(
            figures.hubs(occurrences, exposure["skew"]),
            "Hubs: how often candidates are in a list of ten (k-occurrence). 1: as often as "
            "when all are recommended alike.",
        )
    )
    learned = {name: figures.histories(scene.table, name) for name in beyond.exposure}
    learned = {name: history for name, history in learned.items() if history}
    parts += ["<h3>Learning</h3>"] if learned else []
    for name, history in learned.items():
        parts.append(_captioned(history, f"Loss of {name} in each hold-out. Ring: the one kept."))
    return parts


def _curves(names: list[str], roles: Mapping[str, Role]) -> list[str]:
    """Select the systems to draw as curves, in the table's order."""
    wanted = [n for n in names if roles[n] in ("model", "baseline")]
    chosen = {RANDOM, ORACLE, *wanted[-(N_CURVES - 2) :]}
    return [name for name in names if name in chosen]


def _tracks(split: SplitReport, scene: PageData) -> list[str]:
    """Format the map, and the best and worst tracks, by the best system with vectors."""
    table_of = next(iter(scene.table.values()))
    name = _placing(table_of, split.roles)
    if name is None:
        return []
    kept = table_of[name].details
    summary = scene.summary
    parts = [f"<h3>The tracks, placed by {escape(name)}</h3>"]
    ids = [*summary.warm, *summary.cold]
    vectors = np.concatenate([summary.factors, kept.vectors]).astype(np.float32)
    cold = np.arange(len(ids)) >= len(summary.warm)
    some = _some(cold)
    points, method = lay_out(vectors[some])
    labels = [scene.tracks[ids[i]].genre or "" for i in some]
    by = "genre"
    if not any(labels):
        labels, by = [scene.tracks[ids[i]].artist or "" for i in some], "artist"
    parts.append(
        _captioned(
            figures.track_scatter(points, labels, cold[some], by=by, method=method),
            f"By {method}. Small: training tracks at their factors. Outlined: new tracks "
            f"where {name} places them. First hold-out.",
        )
    )
    if len(summary.items) == len(summary.cold):
        parts += _examples(scene, kept)
    return parts


def _placing(scores: Mapping[str, HoldoutScores], roles: Mapping[str, Role]) -> str | None:
    """Choose the system to show: the best model, or else the best baseline."""
    for role in ("model", "baseline"):
        able = {
            name: _headline(one.values)
            for name, one in scores.items()
            if roles[name] == role and (one.details.neighbours >= 0).any()
        }
        if able:
            return max(able, key=able.__getitem__)
    return None


def _headline(values: np.ndarray) -> float:
    metric = tuple(metrics.METRICS).index(FOCUS)
    return float(np.nanmean(values[:, SCORINGS.index(HEADLINE), metric]))


def _some(cold: np.ndarray) -> np.ndarray:
    """Choose the rows to draw: all, or a sample of both kinds."""
    if len(cold) <= MAX_POINTS:
        return np.arange(len(cold))
    parts = [np.flatnonzero(cold == side) for side in (False, True)]
    half = MAX_POINTS // 2
    return np.concatenate([p[spread_rows(len(p), half)] for p in parts])


def lay_out(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    """Project vectors to a plane by t-SNE, or by PCA if they are few.

    Returns
    -------
    points : np.ndarray [shape=(n, 2)]
    method : str
    """
    # here: they take seconds to import, not needed without a page
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(vectors) < 30 or vectors.shape[1] < 2:
        centred = vectors - vectors.mean(axis=0)
        flat = np.zeros((len(vectors), 2), dtype=np.float32)
        n = min(2, *vectors.shape)
        flat[:, :n] = PCA(n).fit_transform(centred)
        return flat, "PCA"
    with threadpool_limits(limits=1):
        plane = TSNE(init="pca", perplexity=min(30, len(vectors) / 4), random_state=0, n_jobs=1)
        return plane.fit_transform(vectors), "t-SNE"


def _examples(scene: PageData, kept: DrawDetails) -> list[str]:
    summary = scene.summary
    enough = (summary.listeners >= MIN_LISTENERS) & np.isfinite(kept.place)
    order = np.flatnonzero(enough)
    order = order[np.argsort(-kept.place[order], kind="stable")]
    row_of = {track_id: row for row, track_id in enumerate(summary.cold)}
    parts = []
    for title, chosen in (("best", order[:N_EXAMPLES]), ("worst", order[::-1][:N_EXAMPLES])):
        rows = []
        for item in chosen:
            near = kept.neighbours[row_of[summary.items[item]]]
            rows.append(
                [
                    _name(scene, summary.items[item]),
                    f"{kept.place[item]:.2f}",
                    str(summary.listeners[item]),
                    "<br>".join(_name(scene, summary.warm[n]) for n in near if n >= 0),
                ]
            )
        header = ["new track", "AUC", "listeners", "its nearest known tracks"]
        parts.append(f"<h3>Placed {title}</h3>{table(header, rows, figures=False)}")
    parts.append(
        '<p class="notes">AUC of a track: how likely a listener who played it has it higher in '
        f"their ranking than one who did not. Tracks with {MIN_LISTENERS} listeners or more.</p>"
    )
    return parts


def _name(scene: PageData, track_id: str) -> str:
    track = scene.tracks[track_id]
    name = " - ".join(part for part in (track.artist, track.title) if part) or track_id
    return escape(name) + (f" <em>({escape(track.genre)})</em>" if track.genre else "")


def _figure(value: float, ends: Interval | None = None) -> str:
    if math.isnan(value):
        return "n/a"
    text = f"{value:.3f}"
    if ends is None or math.isnan(ends.low):
        return text
    return f"{text}<small>{ends.low:.3f} .. {ends.high:.3f}</small>"


def _captioned(image: str, caption: str) -> str:
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"
