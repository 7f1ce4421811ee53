"""Ground truth of the demo world: attributes, tastes, planted files."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiorec.demo.catalog_plan import MusicPlan, PlannedMusic, PlannedTrack
from audiorec.demo.styles import (
    BASS_FIGURES,
    COMP_FIGURES,
    DIMS,
    DRUM_FIGURES,
    FAMILIES,
    SCALES,
    STYLES,
    family_of,
)

__all__ = ["AttributeTable", "Audible", "attributes", "audible"]

# The dimensions of which a listener may prefer the middle, and the pairs of which a listener may
# prefer both or neither: taste is not linear in the audio.
CURVED = ("tempo", "density", "energy", "brightness")
PAIRED = (
    ("tempo", "energy"), ("density", "legato"), ("valence", "energy"),
    ("register", "brightness"), ("space", "percussion"), ("tension", "swing"),
)  # fmt: skip
# Standard deviation, over tracks, of each block's contribution to a listener's liking.
BLOCK_SCALE = {"dim": 0.62, "curved": 0.28, "paired": 0.28, "family": 0.50, "style": 0.30}


class AttributeTable(NamedTuple):
    """Numbers by track.

    Attributes
    ----------
    names : list of str, length d
    values : np.ndarray [shape=(n_tracks, d), dtype=float32]
    """

    names: list[str]
    values: np.ndarray


Audible = AttributeTable


def _plan_row(plan: MusicPlan) -> dict[str, float]:
    row = {f"dim:{name}": plan.dim(name) for name in DIMS}
    chosen = {
        "style": STYLES[plan.style].name,
        "lead": family_of(plan.lead),
        "comp": family_of(plan.comp),
        "pad": family_of(plan.pad) if plan.pad is not None else "none",
        "scale": plan.scale,
        "comp_figure": plan.comp_figure,
        "bass_figure": plan.bass_figure,
        "drum_figure": plan.drum_figure,
    }
    row.update({f"{kind}:{name}": 1.0 for kind, name in chosen.items()})
    row.update({
        "sound:loudness": plan.loudness, "sound:tilt": plan.tilt, "sound:room": plan.room,
        "sound:noise": plan.noise, "sound:width": plan.width, "sound:crowd": float(plan.crowd),
    })  # fmt: skip
    return row


def _attribute_names() -> list[str]:
    groups: dict[str, tuple[str, ...]] = {
        "dim": DIMS,
        "style": tuple(s.name for s in STYLES),
        "lead": FAMILIES,
        "comp": FAMILIES,
        "pad": (*FAMILIES, "none"),
        "scale": tuple(SCALES),
        "comp_figure": COMP_FIGURES,
        "bass_figure": BASS_FIGURES,
        "drum_figure": DRUM_FIGURES,
        "sound": ("loudness", "tilt", "room", "noise", "width", "crowd"),
    }
    return [f"{group}:{name}" for group, names in groups.items() for name in names]


def attributes(entries: list[PlannedTrack]) -> AttributeTable:
    """Attributes with which each track was composed; zero where there is no music.

    Parameters
    ----------
    entries : list of PlannedTrack, length n_tracks

    Returns
    -------
    AttributeTable
        Names are ``group:name``; categories are one-hot. A mix has the mean of its parts.
    """
    names = _attribute_names()
    column = {name: j for j, name in enumerate(names)}
    values = np.zeros((len(entries), len(names)), dtype=np.float32)
    for i, entry in enumerate(entries):
        for part in entry.parts:
            for name, value in _plan_row(part).items():
                values[i, column[name]] += value / len(entry.parts)
    return AttributeTable(names, values)


def audible(table: AttributeTable) -> Audible:
    """Make the audible features of tracks: the space of listeners' tastes.

    Parameters
    ----------
    table : AttributeTable
        Attributes, as made by `attributes`.

    Returns
    -------
    Audible
        Scaled so that a taste of independent standard normal weights gives every block of
        columns its weight in `BLOCK_SCALE`.
    """
    dim = {name: table.values[:, table.names.index(f"dim:{name}")] for name in DIMS}
    family = {
        name: sum(
            share * table.values[:, table.names.index(f"{part}:{name}")]
            for part, share in (("lead", 1.0), ("comp", 0.7), ("pad", 0.4))
        )
        for name in FAMILIES
    }
    style = {s.name: table.values[:, table.names.index(f"style:{s.name}")] for s in STYLES}
    blocks = {
        "dim": dim,
        "curved": {name: dim[name] ** 2 - 1.0 for name in CURVED},
        "paired": {f"{a}*{b}": dim[a] * dim[b] for a, b in PAIRED},
        "family": family,
        "style": style,
    }
    names = [f"{block}:{name}" for block, columns in blocks.items() for name in columns]
    parts = []
    for block, columns in blocks.items():
        # Typical norm of a row of the block, so that the number of columns does not matter.
        length = {"family": 1.29, "style": 1.0}.get(block, float(np.sqrt(len(columns))))
        values = np.stack([np.clip(c, -3.0, 3.0) for c in columns.values()], axis=1)
        parts.append(values * (BLOCK_SCALE[block] / length))
    return Audible(names, np.concatenate(parts, axis=1).astype(np.float32))


def truth_arrays(cast: PlannedMusic) -> dict[str, np.ndarray]:
    """Arrays of ``truth.npz`` about tracks.

    Parameters
    ----------
    cast : PlannedMusic

    Returns
    -------
    dict of str to np.ndarray
        Every array has one row (or entry) per track, except for the names.
    """
    table, held = attributes(cast.entries), attributes(cast.held_back)
    values = audible(table)
    scene = [cast.artists[e.artist].scene if e.artist >= 0 else -1 for e in cast.entries]
    return {
        "track_ids": np.array([e.track_id for e in cast.entries]),
        "kind": np.array([e.kind for e in cast.entries]),
        "duplicate_of": np.array([e.copy_of for e in cast.entries]),
        "artist": np.array([e.artist for e in cast.entries], dtype=np.int32),
        "artist_names": np.array([a.name for a in cast.artists]),
        "genre": np.array([e.genre for e in cast.entries]),
        "scene": np.array(scene, dtype=np.int32),
        "log_fame": np.array([e.log_fame for e in cast.entries], dtype=np.float32),
        "released": np.array([e.released for e in cast.entries], dtype=np.int64),
        "attributes": table.values,
        "attribute_names": np.array(table.names),
        "audible": values.values,
        "audible_names": np.array(values.names),
        "held_back_ids": np.array([e.track_id for e in cast.held_back]),
        "held_back_genre": np.array([e.genre for e in cast.held_back]),
        "held_back_attributes": held.values,
    }
