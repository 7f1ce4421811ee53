"""Accuracy of measured tempo and key against those of a synthetic world.

Compared with librosa: its tempo of the same onsets, and the Krumhansl profiles on its constant-Q
chroma, since librosa has no key estimation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import librosa
import numpy as np

from audiorec.audio import load_clips, measure_descriptors
from audiorec.audio.descriptors import CLIP, HOP
from audiorec.demo.styles import SCALES
from audiorec.exceptions import DataError, ParameterError
from audiorec.recommend import Library
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.playlists import interval_of, plan_of_world
from audiorec.studies.tables import StudyReport, StudyTable

N_TRACKS = 150
TOLERANCE = 0.04  # relative, of a tempo
SEED = 0
KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
"""Major and minor key profiles of Krumhansl & Kessler 1982."""


class TempoAndKey(NamedTuple):
    """Tempo (beats per minute), and number of the key: 0 to 11 major, 12 to 23 minor."""

    tempo: float
    key: float


def run(study: StudyInputs) -> StudyReport:
    """Measure tracks whose tempo and key are known.

    Raises
    ------
    ParameterError
        If no truth is given.
    DataError
        If no recording of the world is in the catalogue.
    """
    if study.truth is None:
        raise ParameterError(
            "study 'descriptors' needs a demo world; give its truth.npz by --truth"
        )
    plans = plan_of_world(study)
    tracks = [t for t in Library(study.workspace).catalog.tracks() if t.track_id in plans]
    if not tracks:
        raise DataError("no catalogued track is of the demo world of --truth; scan it")
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(tracks))[:N_TRACKS]
    ways: dict[str, Callable[[np.ndarray], TempoAndKey]] = {
        "audiorec": by_audiorec,
        "librosa": by_librosa,
    }
    measured: dict[str, list[TempoAndKey]] = {name: [] for name in ways}
    known = []
    for number, row in enumerate(chosen):
        study.progress("descriptors", number, len(chosen))
        plan = plans[tracks[row].track_id]
        y = load_clips(Path(tracks[row].path), config=CLIP)[0]
        known.append(TempoAndKey(plan.tempo, plan.key + (0 if SCALES[plan.scale][2] == 4 else 12)))
        for name, way in ways.items():
            measured[name].append(way(y))
    rows = []
    for name, values in measured.items():
        octave = np.array(
            [tempo_fits(m.tempo, k.tempo, octaves=True) for m, k in zip(values, known, strict=True)]
        )
        exact = np.array([tempo_fits(m.tempo, k.tempo) for m, k in zip(values, known, strict=True)])
        keys = np.array([key_score(m.key, k.key) for m, k in zip(values, known, strict=True)])
        rows.append(
            {
                "measured by": name,
                "tempo within 4 % or an octave": float(octave.mean()),
                "tempo within 4 %": float(exact.mean()),
                "key, MIREX weighted": float(keys.mean()),
                "interval of the key": interval_of(keys, rng),
                "key exact": float((keys == 1).mean()),
            }
        )
    title = f"Tempo and key of {len(chosen)} tracks against what they were composed in"
    return StudyReport((StudyTable(title, tuple(rows[0]), tuple(rows)),))


def by_audiorec(y: np.ndarray) -> TempoAndKey:
    """Measure as `audiorec descriptors` does."""
    tempo, key = measure_descriptors(y, sr=CLIP.sr)[:2]
    return TempoAndKey(float(tempo), float(key))


def by_librosa(y: np.ndarray) -> TempoAndKey:
    """Measure by librosa's tempo and chroma."""
    onsets = librosa.onset.onset_strength(y=y, sr=CLIP.sr, hop_length=HOP)
    tempo = librosa.feature.tempo(onset_envelope=onsets, sr=CLIP.sr, hop_length=HOP)
    chroma = librosa.feature.chroma_cqt(y=y, sr=CLIP.sr).mean(axis=1)
    profiles = [np.roll(profile, tonic) for profile in KRUMHANSL for tonic in range(12)]
    likeness = [np.corrcoef(chroma, profile)[0, 1] for profile in profiles]
    return TempoAndKey(float(np.atleast_1d(tempo)[0]), float(np.argmax(likeness)))


def tempo_fits(measured: float, known: float, *, octaves: bool = False) -> bool:
    """Whether a tempo is right within 4 %; with `octaves`, also half or double of it."""
    factors = (0.5, 1.0, 2.0) if octaves else (1.0,)
    return any(abs(measured / (factor * known) - 1) <= TOLERANCE for factor in factors)


def key_score(measured: float, known: float) -> float:
    """Compute MIREX's weighted key score: 1 if right, 0.5 for a fifth above, 0.3 for the
    relative, 0.2 for the parallel key, else 0."""
    if not np.isfinite(measured):
        return 0.0
    (tonic, minor), (true, true_minor) = (
        (int(key) % 12, int(key) >= 12) for key in (measured, known)
    )
    if minor == true_minor:
        return {0: 1.0, 7: 0.5}.get((tonic - true) % 12, 0.0)
    relative = (true + 3) % 12 if true_minor else (true + 9) % 12
    return 0.3 if tonic == relative else 0.2 if tonic == true else 0.0
