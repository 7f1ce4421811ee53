"""Made-up names: pronounceable, unique, and the same for the same generator."""

from __future__ import annotations

import numpy as np

__all__ = ["NameGenerator"]

_ONSETS = (
    "b", "br", "c", "d", "dr", "f", "g", "gl", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st",
    "t", "tr", "v", "z", "sh", "th",
)  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "a", "e", "o", "ia", "ou", "ei")
_CODAS = ("", "", "", "n", "r", "l", "s", "m", "nd", "x", "th")
_FORMS = ("The {0}s", "{0} {1}", "{0} & the {1}s", "{0} Quartet", "DJ {0}", "{0}", "{0} {1}")


class NameGenerator:
    """Draws words, artist names and titles, each at most once.

    Parameters
    ----------
    rng : np.random.Generator
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def _pick(self, options: tuple[str, ...]) -> str:
        return options[int(self._rng.integers(len(options)))]

    def word(self) -> str:
        """One capitalised word of two or three syllables."""
        n_syllables = 2 + int(self._rng.random() < 0.35)
        parts = [self._pick(_ONSETS) + self._pick(_VOWELS) for _ in range(n_syllables)]
        return ("".join(parts) + self._pick(_CODAS)).capitalize()

    def _unique(self, kind: str, form: str) -> str:
        while True:
            name = form.format(self.word(), self.word())
            # Folders are named after artists, and some file systems fold case.
            key = f"{kind}/{name.casefold()}"
            if key not in self._used:
                self._used.add(key)
                return name

    def artist(self) -> str:
        """A new artist name."""
        return self._unique("artist", self._pick(_FORMS))

    def title(self) -> str:
        """A new title, for a track or an album."""
        return self._unique("title", self._pick(("{0}", "{0} {1}", "{0} {1}")))
