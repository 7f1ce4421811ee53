"""The styles of the demo world: instruments, harmony and figures of each.

A style is a table, not code: the mean of its audio dimensions (`pull`, one number for each of
`DIMS`,
in standard deviations), its General MIDI programs, its scales and chord progressions, and the
figures of its accompaniment, bass and drums.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BASS_FIGURES",
    "COMP_FIGURES",
    "DIMS",
    "DRUM_FIGURES",
    "FAMILIES",
    "SCALES",
    "SCALE_BRIGHTNESS",
    "STYLES",
    "Style",
    "family_of",
]

DIMS: tuple[str, ...] = (
    "tempo", "density", "register", "energy", "brightness", "space",
    "swing", "legato", "percussion", "tension", "valence",
)  # fmt: skip

# General MIDI groups its programs by eights; these families join groups of similar timbre.
_FAMILY_RANGES: tuple[tuple[str, int, int], ...] = (
    ("piano", 0, 8), ("mallet", 8, 16), ("organ", 16, 24), ("guitar", 24, 32),
    ("bass", 32, 40), ("strings", 40, 52), ("voice", 52, 56), ("brass", 56, 64),
    ("reed", 64, 72), ("flute", 72, 80), ("synth", 80, 104), ("plucked", 104, 128),
)  # fmt: skip
FAMILIES: tuple[str, ...] = tuple(name for name, _, _ in _FAMILY_RANGES)

SCALES: dict[str, tuple[int, ...]] = {
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "major": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
# Dark to bright, in the unit of the "valence" dimension.
SCALE_BRIGHTNESS: dict[str, float] = {
    "phrygian": -1.6, "harmonic minor": -1.1, "minor": -0.7, "dorian": -0.2,
    "mixolydian": 0.4, "major": 0.9, "lydian": 1.5,
}  # fmt: skip

COMP_FIGURES = (
    "sustain", "block", "arpeggio", "alberti", "offbeat", "stab", "strum", "montuno", "power",
)  # fmt: skip
BASS_FIGURES = ("root", "fifth", "walk", "eighth", "octave", "tumbao", "onedrop", "drone")
DRUM_FIGURES = (
    "none", "ballad", "brush", "swing", "bossa", "shuffle", "rock", "metal", "train",
    "onedrop", "funk", "four", "break", "salsa", "waltz",
)  # fmt: skip


def family_of(program: int) -> str:
    """Name of the instrument family of a General MIDI program (0 to 127)."""
    return next(name for name, low, high in _FAMILY_RANGES if low <= program < high)


@dataclass(frozen=True)
class Style:
    """One style of music.

    Attributes
    ----------
    name : str
        The genre tag of its tracks.
    pull : tuple of float
        Mean of each dimension of `DIMS`, in standard deviations.
    lead, comp, pad, bass : tuple of int
        General MIDI programs that may play each part.
    scales : tuple of str
        Keys of `SCALES`.
    progressions : tuple of tuple of int
        Scale degrees (0 is the tonic), one chord a bar.
    comp_figures, bass_figures, drum_figures : tuple of str
        Figures that the parts may be built from.
    beats : int
        Beats in a bar.
    """

    name: str
    pull: tuple[float, ...]
    lead: tuple[int, ...]
    comp: tuple[int, ...]
    pad: tuple[int, ...]
    bass: tuple[int, ...]
    scales: tuple[str, ...]
    progressions: tuple[tuple[int, ...], ...]
    comp_figures: tuple[str, ...]
    bass_figures: tuple[str, ...]
    drum_figures: tuple[str, ...]
    beats: int = 4


STYLES: tuple[Style, ...] = (
    #                 tempo  dens  reg  energ brigh space swing legat perc  tens  val
    Style("Ballad", (-1.1, -0.6, 0.1, -0.8, -0.3, 0.5, -0.6, 0.9, -0.6, 0.0, 0.4),
          (0, 4, 68, 73, 40), (0, 1, 4, 24), (48, 49, 52), (32, 33, 35),
          ("minor", "dorian", "major", "lydian"),
          ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 2, 3, 3)),
          ("arpeggio", "block", "sustain"), ("root", "fifth"), ("none", "ballad", "brush")),
    Style("Chamber", (0.1, 0.9, 0.6, -0.3, 0.2, 0.6, -1.0, 0.1, -1.6, -0.5, 0.0),
          (40, 73, 68, 71, 6), (6, 46, 48, 0), (48, 49), (42, 43),
          ("harmonic minor", "minor", "major"),
          ((0, 3, 4, 0), (0, 5, 1, 4), (0, 4, 5, 2, 3, 0, 3, 4)),
          ("alberti", "arpeggio", "block"), ("root", "walk"), ("none",)),
    Style("Swing", (0.7, 0.5, 0.2, 0.2, -0.2, 0.0, 1.7, -0.4, 0.2, 1.3, 0.3),
          (66, 65, 56, 11, 0), (0, 26, 16), (61, 48), (32,),
          ("dorian", "mixolydian", "major"),
          ((1, 4, 0, 0), (0, 5, 1, 4), (2, 5, 1, 4), (0, 3, 1, 4)),
          ("stab", "block", "offbeat"), ("walk",), ("swing", "brush")),
    Style("Bossa", (0.1, 0.1, -0.2, -0.7, -0.5, 0.1, -0.3, 0.2, -0.1, 1.2, 0.3),
          (73, 66, 24, 11, 52), (24, 25, 4), (48, 89), (32, 33),
          ("dorian", "minor", "major", "lydian"),
          ((0, 1, 4, 0), (0, 0, 1, 4), (1, 4, 0, 5), (3, 6, 2, 5)),
          ("stab", "strum", "arpeggio"), ("tumbao", "fifth"), ("bossa", "brush")),
    Style("Blues", (-0.2, 0.2, -0.4, 0.5, 0.1, -0.1, 1.2, -0.2, 0.4, 0.4, 0.0),
          (29, 26, 22, 66, 18), (26, 0, 16, 27), (16, 61), (33, 34),
          ("minor", "dorian", "mixolydian"),
          ((0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4), (0, 3, 0, 4), (0, 0, 3, 0)),
          ("block", "offbeat", "strum"), ("walk", "root", "eighth"), ("shuffle", "swing")),
    Style("Metal", (1.3, 1.0, -0.9, 1.7, 0.9, -0.4, -0.9, -0.3, 1.3, -0.9, -1.4),
          (30, 29, 31), (30, 29), (48, 52), (34, 33),
          ("phrygian", "harmonic minor", "minor"),
          ((0, 5, 6, 0), (0, 1, 0, 6), (0, 0, 5, 4), (0, 2, 5, 1)),
          ("power",), ("eighth", "octave"), ("metal", "rock")),
    Style("Folk", (0.2, 0.2, 0.2, -0.4, 0.4, -0.5, -0.2, -0.1, -0.8, -0.9, 0.8),
          (21, 72, 40, 105, 22), (25, 24, 105, 15), (20, 48), (32, 43),
          ("dorian", "mixolydian", "major"),
          ((0, 3, 0, 4), (0, 4, 5, 3), (0, 6, 3, 0)),
          ("strum", "arpeggio", "alberti"), ("fifth", "root"), ("none", "train", "ballad")),
    Style("Reggae", (-0.6, -0.5, -0.3, 0.1, -0.8, 0.9, 0.4, -0.6, 0.5, -0.6, 0.3),
          (18, 22, 56, 27), (27, 16, 0), (16, 89), (33, 38),
          ("minor", "dorian", "major", "mixolydian"),
          ((0, 4, 3, 3), (0, 3, 0, 3), (0, 5, 3, 4), (0, 1, 0, 1)),
          ("offbeat",), ("onedrop", "octave"), ("onedrop",)),
    Style("Funk", (0.2, 0.9, 0.0, 1.0, 0.5, -0.9, 0.2, -1.3, 0.9, 0.8, 0.1),
          (65, 61, 7, 56), (27, 7, 16), (61, 62), (36, 37, 33),
          ("minor", "dorian", "mixolydian"),
          ((0, 0, 0, 0), (0, 0, 3, 3), (0, 3, 0, 4)),
          ("stab", "offbeat"), ("octave", "tumbao", "eighth"), ("funk", "break")),
    Style("House", (0.6, 0.5, 0.3, 0.8, 0.6, 0.2, -0.9, -0.5, 1.2, 0.3, -0.2),
          (81, 80, 4, 53), (4, 16, 90, 0), (89, 90, 50), (38, 39),
          ("minor", "dorian", "mixolydian", "major"),
          ((0, 0, 5, 6), (0, 2, 5, 3), (0, 3, 0, 3), (5, 6, 0, 0)),
          ("offbeat", "stab", "block"), ("octave", "eighth"), ("four",)),
    Style("Jungle", (1.9, 0.9, 0.1, 0.9, 0.8, 0.4, -0.8, 0.2, 1.3, 0.6, -0.8),
          (80, 81, 53, 87), (89, 4, 88), (89, 95, 50), (38, 39, 87),
          ("phrygian", "minor", "dorian"),
          ((0, 0, 5, 5), (0, 5, 0, 6), (0, 3, 5, 4)),
          ("sustain", "stab"), ("drone", "onedrop", "octave"), ("break",)),
    Style("Ambient", (-1.4, -1.5, 0.4, -1.4, -0.6, 1.9, -1.0, 1.6, -1.7, 0.5, 0.2),
          (88, 92, 14, 75, 54), (88, 89, 91, 95), (91, 94, 52), (38, 43),
          ("dorian", "minor", "major", "lydian"),
          ((0, 0, 3, 3), (0, 4, 3, 3), (0, 0, 5, 5)),
          ("sustain", "arpeggio"), ("drone",), ("none",)),
    Style("Musette", (0.8, 0.4, 0.6, 0.0, 0.5, -0.2, -0.5, -0.2, -0.7, -0.4, -0.1),
          (21, 71, 40, 23), (21, 24, 0), (48, 23), (32, 43, 58),
          ("harmonic minor", "minor", "major"),
          ((0, 0, 4, 4, 4, 4, 0, 0), (0, 3, 4, 0), (0, 5, 1, 4)),
          ("block", "arpeggio"), ("root", "fifth"), ("waltz", "none"), beats=3),
    Style("Salsa", (1.1, 0.9, 0.7, 0.7, 0.4, -0.3, -0.8, -0.6, 1.0, 0.3, 0.6),
          (56, 57, 73, 0), (0, 4, 11), (61, 48), (32, 33),
          ("minor", "harmonic minor", "mixolydian", "major"),
          ((0, 3, 4, 3), (0, 4, 4, 0), (1, 4, 0, 0)),
          ("montuno",), ("tumbao",), ("salsa",)),
)  # fmt: skip
