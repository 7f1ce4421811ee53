"""Compose a track of the demo world note by note, from its plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiorec.demo.accompaniment_figures import BASS, COMP, DRUMS, TOMS
from audiorec.demo.catalog_plan import STREAM_MUSIC, MusicPlan, generator
from audiorec.demo.styles import SCALES

__all__ = ["CHANNELS", "CLIP_SECONDS", "Note", "NoteScore", "compose"]

CLIP_SECONDS = 30.0
# MIDI channels of the parts; General MIDI keeps channel 10, the ninth from zero, for drums.
CHANNELS: dict[str, int] = {"lead": 0, "comp": 1, "pad": 2, "bass": 3, "drums": 9}
LEVELS: dict[str, float] = {"lead": 1.12, "comp": 0.80, "pad": 0.66, "bass": 1.05, "drums": 1.0}
BARS_PER_SECTION = 4


class Note(NamedTuple):
    """One note; `start` and `length` are in beats, `velocity` is 1 to 127."""

    start: float
    length: float
    channel: int
    pitch: int
    velocity: int


class NoteScore(NamedTuple):
    """Notes, and the instruments that play them.

    Attributes
    ----------
    notes : list of Note
    programs : dict of int to int
        General MIDI program of each melodic channel.
    tempo : float
        Beats per minute.
    """

    notes: list[Note]
    programs: dict[int, int]
    tempo: float


class _Bar(NamedTuple):
    """One bar of the form: where it starts (beats), its section and its chord."""

    start: float
    number: int
    section: str
    degree: int


class _Pen:
    """Writes notes with the swing, the touch and the slight unevenness of the players."""

    def __init__(self, plan: MusicPlan, rng: np.random.Generator) -> None:
        self.plan = plan
        self.rng = rng
        self.notes: list[Note] = []
        self._swing = float(np.clip(0.10 + 0.12 * plan.dim("swing"), 0.0, 0.33))
        self._velocity = float(np.clip(80.0 + 15.0 * plan.dim("energy"), 38.0, 118.0))
        self._gate = float(np.clip(0.72 * 2.0 ** (0.6 * plan.dim("legato")), 0.12, 1.5))

    def write(self, part: str, at: float, length: float, pitch: int, *, accent: float = 1.0,
              gate: bool = True) -> None:  # fmt: skip
        """Add a note at a beat; the second half of a beat is late by the swing."""
        beat, within = divmod(at, 1.0)
        stretch = 0.5 + 0.5 * self._swing
        if within < 0.5:
            within *= stretch / 0.5
        else:
            within = stretch + (within - 0.5) * (1.0 - stretch) / 0.5
        start = max(0.0, beat + within + 0.008 * float(self.rng.standard_normal()))
        touch = self._velocity * LEVELS[part] * accent * (1.0 + 0.06 * self.rng.standard_normal())
        self.notes.append(Note(
            start, max(0.06, length * (self._gate if gate else 1.0)), CHANNELS[part],
            int(np.clip(pitch, 12, 115)), int(np.clip(touch, 12, 127)),
        ))  # fmt: skip


def pitch_near(plan: MusicPlan, degree: int, *, centre: float) -> int:
    """MIDI pitch of a scale degree in the octave nearest to `centre`."""
    pitch = plan.key + SCALES[plan.scale][degree % 7]
    return int(pitch + 12 * round((centre - pitch) / 12))


def chord_near(plan: MusicPlan, degree: int, *, centre: float) -> list[int]:
    """MIDI pitches of the chord on a degree, low to high; tension adds thirds on top."""
    tension = plan.dim("tension")
    size = 3 + int(tension > -0.2) + int(tension > 1.0)
    return sorted({pitch_near(plan, degree + 2 * i, centre=centre) for i in range(size)})


def _song_form(plan: MusicPlan, seconds: float) -> list[_Bar]:
    n_bars = int(np.ceil(seconds * plan.tempo / 60.0 / plan.beats)) + 1
    bars = []
    for number in range(n_bars):
        section = "verse" if (number // BARS_PER_SECTION) % 3 < 2 else "chorus"
        degrees = plan.verse if section == "verse" else plan.chorus
        degree = degrees[number % len(degrees)]
        bars.append(_Bar(float(number * plan.beats), number, section, degree))
    return bars


class _Motif(NamedTuple):
    """A bar of melody: onsets and lengths in beats, steps of the scale from the chord's root."""

    at: list[float]
    length: list[float]
    step: list[int]


def _motif(plan: MusicPlan, rng: np.random.Generator) -> _Motif:
    rate = float(np.clip(1.15 * 2.0 ** (0.75 * plan.dim("density")), 0.25, 4.0))
    grid = np.arange(0.0, plan.beats, 0.25)
    strength = np.where(grid % 1 == 0, 1.0, np.where(grid % 0.5 == 0, 0.55, 0.16))
    n = int(np.clip(rng.poisson(rate * plan.beats), 1, len(grid)))
    # Few notes are on the beat; more of them fall in between.
    weight = strength ** (1.6 if rate < 2.0 else 0.7)
    chosen = np.sort(rng.choice(len(grid), size=n, replace=False, p=weight / weight.sum()))
    at = grid[chosen]
    length = np.diff(np.append(at, plan.beats))
    step = int(rng.choice([0, 2, 4]))
    steps = []
    for onset in at:
        if onset % 1 == 0 and step % 2:
            step += int(rng.choice([-1, 1]))  # on strong beats, notes of the chord
        steps.append(step)
        step = int(np.clip(step + rng.choice([-2, -1, -1, 1, 1, 2, 3]), -4, 9))
    return _Motif(at.tolist(), length.tolist(), steps)


def _write_lead(pen: _Pen, bars: list[_Bar]) -> None:
    plan = pen.plan
    motifs = {s: [_motif(plan, pen.rng) for _ in range(3)] for s in ("verse", "chorus")}
    silent = int(pen.rng.integers(0, 3))
    centre = 69.0 + 6.5 * plan.dim("register")
    for bar in bars[silent:]:
        motif = motifs[bar.section][(0, 1, 0, 2)[bar.number % 4]]
        lift = 2 if bar.section == "chorus" else 0
        root = pitch_near(plan, bar.degree, centre=centre - 4.0)
        for at, length, step in zip(*motif, strict=True):
            # The octave is the root's, so that a motif keeps its shape over any chord.
            degree = bar.degree + step + lift
            pitch = pitch_near(plan, degree, centre=root + 1.7 * (step + lift))
            accent = 1.08 if at % 1 == 0 else 0.94
            pen.write("lead", bar.start + at, length, pitch, accent=accent)


def _write_comp(pen: _Pen, bars: list[_Bar]) -> None:
    plan = pen.plan
    centre = 60.0 + 4.5 * plan.dim("register")
    busy = plan.dim("density")
    for bar in bars:
        chord = chord_near(plan, bar.degree, centre=centre)
        if plan.comp_figure == "power":
            root = pitch_near(plan, bar.degree, centre=centre - 15.0)
            chord = [root, root + 7, root + 12]
        for at, length, which, accent in COMP[plan.comp_figure](plan.beats, busy):
            pitches = chord if which is None else [chord[which % len(chord)]]
            for pitch in pitches:
                long = plan.comp_figure == "sustain"
                pen.write("comp", bar.start + at, length, pitch, accent=accent, gate=not long)


def _write_pad(pen: _Pen, bars: list[_Bar]) -> None:
    plan = pen.plan
    if plan.pad is None:
        return
    for bar in bars:
        for pitch in chord_near(plan, bar.degree, centre=62.0 + 4.0 * plan.dim("register")):
            pen.write("pad", bar.start, plan.beats * 0.98, pitch, gate=False)


def _write_bass(pen: _Pen, bars: list[_Bar]) -> None:
    plan = pen.plan
    centre = 39.0 + 2.0 * plan.dim("register")
    for bar, following in zip(bars, [*bars[1:], bars[0]], strict=True):
        root = pitch_near(plan, bar.degree, centre=centre)
        ahead = pitch_near(plan, following.degree, centre=centre)
        walk = [pitch_near(plan, bar.degree + d, centre=root + 4.0) for d in (2, 4, 5)]
        choices = {
            "root": root,
            "fifth": pitch_near(plan, bar.degree + 4, centre=root + 4.0),
            "octave": root + 12,
            "step": walk[int(pen.rng.integers(3))],
            "lead-in": ahead + int(pen.rng.choice([-1, 1, 2])),
        }
        for at, length, which, accent in BASS[plan.bass_figure](plan.beats):
            pen.write("bass", bar.start + at, length, choices[which], accent=accent,
                      gate=plan.bass_figure != "drone")  # fmt: skip


def _write_drums(pen: _Pen, bars: list[_Bar]) -> None:
    plan = pen.plan
    figure = DRUMS[plan.drum_figure]
    level = float(np.clip(0.80 + 0.22 * plan.dim("percussion"), 0.35, 1.25))
    # Cymbals and shakers thin out in sparse pieces and thicken in dense ones.
    thin = float(np.clip(0.85 + 0.25 * plan.dim("density"), 0.35, 1.0))
    for bar in bars:
        for drum, steps in figure.items():
            for i, mark in enumerate(steps):
                if mark == "." or (mark == "o" and pen.rng.random() > thin):
                    continue
                accent = level * {"X": 1.15, "x": 0.95, "o": 0.62}[mark]
                at = bar.start + i * plan.beats / len(steps)
                pen.write("drums", at, 0.2, drum, accent=accent, gate=False)
        fills = figure and bar.number % BARS_PER_SECTION == BARS_PER_SECTION - 1
        if fills and pen.rng.random() < 0.6:
            for i, drum in enumerate(TOMS):
                at = bar.start + plan.beats - 1.0 + 0.25 * i
                pen.write("drums", at, 0.2, drum, accent=0.9 * level, gate=False)


def compose(plan: MusicPlan, *, seconds: float = CLIP_SECONDS) -> NoteScore:
    """Write the notes of a track.

    Parameters
    ----------
    plan : MusicPlan
    seconds : float
        Length of the music.

    Returns
    -------
    NoteScore
        Sorted by start. The same plan gives the same notes, and a plan that differs in tempo
        alone gives the same music, faster or slower.
    """
    bars = _song_form(plan, seconds)
    rng = generator(plan.seed, STREAM_MUSIC, plan.number)
    writers = (_write_lead, _write_comp, _write_pad, _write_bass, _write_drums)
    notes: list[Note] = []
    for write, part_rng in zip(writers, rng.spawn(len(writers)), strict=True):
        pen = _Pen(plan, part_rng)
        write(pen, bars)
        notes += pen.notes
    programs = {CHANNELS["lead"]: plan.lead, CHANNELS["comp"]: plan.comp,
                CHANNELS["bass"]: plan.bass}  # fmt: skip
    if plan.pad is not None:
        programs[CHANNELS["pad"]] = plan.pad
    return NoteScore(sorted(notes), programs, plan.tempo)
