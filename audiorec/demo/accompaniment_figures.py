"""Figures that accompaniment, bass and drums are built from, one bar each.

An accompaniment figure gives ``(at, length, which, accent)``: beats, beats, a row of the chord (or
None for all of it) and a factor on loudness. A bass figure names the note instead. A drum figure
spells each drum's bar in equal steps: ``X`` loud, ``x`` plain, ``o`` soft, ``.`` silent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["BASS", "COMP", "DRUMS", "TOMS", "BassHit", "CompHit"]

CompHit = tuple[float, float, int | None, float]
BassHit = tuple[float, float, str, float]


def _sustain(beats: int, busy: float) -> list[CompHit]:
    return [(0.0, beats * 0.98, None, 0.9)]


def _block(beats: int, busy: float) -> list[CompHit]:
    if beats == 3:
        return [(1.0, 0.8, None, 0.95), (2.0, 0.8, None, 0.85)]
    step = 2.0 if busy < -0.3 else 1.0
    return [(float(at), step, None, 1.0 if at == 0 else 0.85) for at in np.arange(0, beats, step)]


def _arpeggio(beats: int, busy: float) -> list[CompHit]:
    step = 1.0 if busy < -1.0 else 0.5 if busy < 0.8 else 0.25
    return [
        (float(at), step * 1.6, (0, 1, 2, 3, 2, 1)[i % 6], 1.0 if at % 1 == 0 else 0.85)
        for i, at in enumerate(np.arange(0, beats, step))
    ]


def _alberti(beats: int, busy: float) -> list[CompHit]:
    step = 0.5 if busy < 0.7 else 0.25
    return [
        (float(at), step, (0, 2, 1, 2)[i % 4], 1.0 if i % 4 == 0 else 0.85)
        for i, at in enumerate(np.arange(0, beats, step))
    ]


def _offbeat(beats: int, busy: float) -> list[CompHit]:
    return [(at + 0.5, 0.4, None, 1.0) for at in range(beats)]


def _stab(beats: int, busy: float) -> list[CompHit]:
    spots = (0.0, 1.5, 2.75) if busy < 0.6 else (0.0, 0.75, 1.5, 2.5, 3.25)
    return [(at, 0.4, None, 1.05 if at else 0.9) for at in spots if at < beats]


def _strum(beats: int, busy: float) -> list[CompHit]:
    spots = (0.0, 1.0, 1.5, 2.5, 3.0, 3.5) if busy > -0.5 else (0.0, 2.0, 3.0)
    # A hand crosses the strings: the notes of a chord come a little after one another.
    return [
        (at + 0.03 * row, 0.7, row, 1.0 if at % 2 == 0 else 0.8)
        for at in spots if at < beats for row in range(4)
    ]  # fmt: skip


def _montuno(beats: int, busy: float) -> list[CompHit]:
    spots = (0.0, 0.5, 1.0, 1.75, 2.25, 2.75, 3.25, 3.75)
    return [(at, 0.35, i % 3, 1.0) for i, at in enumerate(spots) if at < beats]


def _power(beats: int, busy: float) -> list[CompHit]:
    step = 0.5 if busy < 0.9 else 0.25
    return [
        (float(at), step, None, 1.1 if at % 1 == 0 else 0.9) for at in np.arange(0, beats, step)
    ]


COMP: dict[str, Callable[[int, float], list[CompHit]]] = {
    "sustain": _sustain, "block": _block, "arpeggio": _arpeggio, "alberti": _alberti,
    "offbeat": _offbeat, "stab": _stab, "strum": _strum, "montuno": _montuno, "power": _power,
}  # fmt: skip


def _repeat(names: tuple[str, ...], step: float) -> Callable[[int], list[BassHit]]:
    def figure(beats: int) -> list[BassHit]:
        n = int(beats / step)
        return [(i * step, step, names[i % len(names)], 1.0 if i == 0 else 0.9) for i in range(n)]

    return figure


def _walk(beats: int) -> list[BassHit]:
    between: list[BassHit] = [(float(at), 0.95, "step", 0.9) for at in range(1, beats - 1)]
    return [(0.0, 0.95, "root", 1.0), *between, (beats - 1.0, 0.95, "lead-in", 0.9)]


def _spots(*hits: BassHit) -> Callable[[int], list[BassHit]]:
    def figure(beats: int) -> list[BassHit]:
        return [hit for hit in hits if hit[0] < beats]

    return figure


BASS: dict[str, Callable[[int], list[BassHit]]] = {
    "root": _spots((0.0, 1.8, "root", 1.0), (2.0, 1.8, "root", 0.85)),
    "fifth": _spots((0.0, 1.4, "root", 1.0), (2.0, 1.4, "fifth", 0.9)),
    "walk": _walk,
    "eighth": _repeat(("root",), 0.5),
    "octave": _repeat(("root", "octave"), 0.5),
    "tumbao": _spots((0.0, 0.8, "root", 0.9), (1.5, 1.2, "fifth", 1.0), (3.0, 0.9, "octave", 1.0)),
    "onedrop": _spots((0.0, 0.6, "root", 0.9), (1.5, 0.4, "root", 0.9), (2.0, 0.9, "fifth", 1.1),
                      (3.25, 0.6, "step", 0.9)),
    "drone": lambda beats: [(0.0, beats * 1.0, "root", 0.85)],
}  # fmt: skip

_KICK, _STICK, _SNARE, _CLAP, _HAT, _OPEN, _RIDE, _CRASH = 36, 37, 38, 39, 42, 46, 51, 49
_TAMBOURINE, _COWBELL, _CONGA, _TUMBA, _SHAKER, _CLAVES = 54, 56, 63, 64, 70, 75
TOMS = (50, 47, 45, 41)

DRUMS: dict[str, dict[int, str]] = {
    "none": {},
    "ballad": {_KICK: "X.......x.x.....", _STICK: "....x.......x...", _HAT: "x.o.x.o.x.o.x.o."},
    "brush": {_RIDE: "x...x..ox...x..o", _STICK: "....o.......o...", _KICK: "o.......o......."},
    "swing": {_RIDE: "X...x.o.X...x.o.", _HAT: "....x.......x...", _KICK: "o...o...o...o..."},
    "bossa": {_KICK: "X..xX..xX..xX..x", _STICK: "x..x..x...x..x..", _HAT: "o.o.o.o.o.o.o.o."},
    "shuffle": {_KICK: "X.....x.X.......", _SNARE: "....X.......X...",
                _HAT: "x.x.x.x.x.x.x.x."},
    "rock": {_KICK: "X.....x.X.x.....", _SNARE: "....X.......X...", _HAT: "x.x.x.x.x.x.x.x.",
             _CRASH: "o..............."},
    "metal": {_KICK: "XxXxXxXxXxXxXxXx", _SNARE: "....X.......X...", _CRASH: "x.......x.......",
              _RIDE: "x.o.x.o.x.o.x.o."},
    "train": {_KICK: "X.......X.......", _SNARE: "ooxoooxoooxoooxo",
              _TAMBOURINE: "....x.......x..."},
    "onedrop": {_KICK: "........X.......", _STICK: "........X.....o.",
                _HAT: "x.x.x.x.x.x.x.x."},
    "funk": {_KICK: "X.x....x..X..x..", _SNARE: "....X..o.o..X..o", _HAT: "xoxoxoxoxoxoxoxo"},
    "four": {_KICK: "X...X...X...X...", _CLAP: "....X.......X...", _OPEN: "..x...x...x...x.",
             _HAT: "o.o.o.o.o.o.o.o."},
    "break": {_KICK: "X.x.......Xx....", _SNARE: "....X..o.o..X..o", _HAT: "x.x.x.x.x.x.x.x.",
              _RIDE: "o...o...o...o..."},
    "salsa": {_CONGA: "..x...x...x...xx", _TUMBA: "......x.......x.", _COWBELL: "X...x...X...x...",
              _CLAVES: "X..x..X...x.x...", _SHAKER: "oooooooooooooooo", _KICK: "......x.......x."},
    "waltz": {_KICK: "X...........", _HAT: "....x...x...", _STICK: "....o...o..."},
}  # fmt: skip
