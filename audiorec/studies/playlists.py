"""Quality of playlists and queries on a synthetic world of known truth.

- Queries by two tracks of different styles: share of the ten answers in either style, by
  agreement, by the mean of their vectors, and by chance.
- Arcs of tempo: share of steps in which the true tempo rises.
- Paths: share of steps that lead from the first track towards the last, and their evenness.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from audiorec.demo import plan_music
from audiorec.demo.catalog_plan import MusicPlan
from audiorec.exceptions import DataError, ParameterError
from audiorec.metrics import Interval
from audiorec.playlist import PlaylistRequest, build_playlist
from audiorec.playlist.kinds.path import PathSegment
from audiorec.playlist.source import TrackSource
from audiorec.recommend import Library, similar
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.tables import StudyReport, StudyTable

N_LOOKUPS, N_LISTS = 200, 40
K, LENGTH = 10, 15
N_RESAMPLES = 2_000
SEED = 0


def run(study: StudyInputs) -> StudyReport:
    """Make queries, arcs and paths, and compare them with the world's truth.

    Raises
    ------
    ParameterError
        If no truth is given.
    """
    if study.truth is None:
        raise ParameterError("study 'playlists' needs a demo world; give its truth.npz by --truth")
    plans = plan_of_world(study)
    style = {track_id: str(plan.style) for track_id, plan in plans.items()}
    tempo = {track_id: plan.tempo for track_id, plan in plans.items()}
    library = Library(study.workspace)
    ids = [i for i in library.index.ids if i in style and i not in library.hidden]
    if len({style[i] for i in ids}) < 2:
        raise DataError("the tracks of the index are of one style; make a larger world")
    rng = np.random.default_rng(SEED)
    return StudyReport(
        (
            lookups(library, ids, style, rng),
            arcs(library, ids, tempo, rng),
            paths(library, ids, rng),
        )
    )


def plan_of_world(study: StudyInputs) -> dict[str, MusicPlan]:
    """Reconstruct the composition plan of each track with one section, by its id.

    Raises
    ------
    DataError
        If the file beside the truth does not describe how the world was made.
    """
    assert study.truth is not None
    file = study.truth.parent / "world.json"
    try:
        world = json.loads(file.read_bytes())
        plan = plan_music(world["n_tracks"], n_artists=world["n_artists"], seed=world["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file} lacks the world's settings; make it again") from None
    return {entry.track_id: entry.parts[0] for entry in plan.entries if len(entry.parts) == 1}


def lookups(
    library: Library, ids: list[str], style: dict[str, str], rng: np.random.Generator
) -> StudyTable:
    """Measure the share of answers in one of the seeds' styles."""
    ways: dict[str, list[float]] = {"agreement": [], "mean of the vectors": [], "random": []}
    for _ in range(N_LOOKUPS):
        first = ids[rng.integers(len(ids))]
        others = [i for i in ids if style[i] != style[first]]
        seeds = [first, others[rng.integers(len(others))]]
        vectors = np.stack([library.index.vector(i) for i in seeds])
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        asked: dict[str, Any] = {"agreement": seeds, "mean of the vectors": units.mean(axis=0)}
        wanted = {style[i] for i in seeds}
        for name, query in asked.items():
            answers = similar(
                library.index, None, query, k=K, include=ids, exclude=seeds,
                duplicates=library.duplicates,
            )  # fmt: skip
            ways[name].append(float(np.mean([style[m.track_id] in wanted for m in answers])))
        drawn = rng.choice([i for i in ids if i not in seeds], K, replace=False)
        ways["random"].append(float(np.mean([style[i] in wanted for i in drawn])))
    ours = np.array(ways["agreement"])
    rows = [
        {
            "way": name,
            "within the styles": float(np.mean(values)),
            "agreement less this": interval_of(ours - np.array(values), rng),
        }
        for name, values in ways.items()
    ]
    title = f"{N_LOOKUPS} lookups of two tracks of different styles, {K} answers each"
    return StudyTable(title, ("way", "within the styles", "agreement less this"), tuple(rows))


def arcs(
    library: Library, ids: list[str], tempo: dict[str, float], rng: np.random.Generator
) -> StudyTable:
    """Measure the share of steps in rising arcs in which the true tempo does not fall."""
    shares, likeness = [], []
    for seed in rng.choice(ids, min(N_LISTS, len(ids)), replace=False):
        made = build_playlist(
            library, PlaylistRequest(seeds=(str(seed),), kind="arc", length=LENGTH)
        )
        known = [tempo[hit.track_id] for hit in made.hits if hit.track_id in tempo]
        shares.append(float(np.mean(np.diff(known) >= 0)))
        likeness.append(float(np.mean([hit.score for hit in made.hits])))
    row = {
        "lists": len(shares),
        "steps that rise": float(np.mean(shares)),
        "interval": interval_of(np.array(shares), rng),
        "cosine to the seed": float(np.mean(likeness)),
    }
    title = f"Arcs of {LENGTH} by tempo, by the tempo that the tracks were composed in"
    return StudyTable(title, tuple(row), (row,))


def paths(library: Library, ids: list[str], rng: np.random.Generator) -> StudyTable:
    """Measure the share of progressing steps of paths, and the longest step over the mean."""
    forward, uneven, beside = [], [], 0
    for _ in range(N_LISTS):
        ends = tuple(str(i) for i in rng.choice(ids, 2, replace=False))
        request = PlaylistRequest(seeds=ends, kind="path", length=LENGTH)
        made = build_playlist(library, request)
        source = TrackSource(library, request)
        units = source.units([hit.track_id for hit in made.hits])
        along = PathSegment(source, units[0], units[-1]).along(units)
        forward.append(float(np.mean(np.diff(along) > 0)))
        uneven.append(float(np.diff(along).max() * (LENGTH - 1)))
        beside += any("beside the path" in note for note in made.notes)
    row = {
        "lists": len(forward),
        "steps that lead on": float(np.mean(forward)),
        "longest over even step": float(np.mean(uneven)),
        "lists with tracks beside the way": beside,
    }
    return StudyTable(f"Paths of {LENGTH} between random tracks", tuple(row), (row,))


def interval_of(values: np.ndarray, rng: np.random.Generator) -> Interval:
    """Compute the 95 % bootstrap interval of the mean of np.ndarray [shape=(n,)]."""
    means = values[rng.integers(len(values), size=(N_RESAMPLES, len(values)))].mean(axis=1)
    return Interval(float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975)))
