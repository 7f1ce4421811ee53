"""Fuzzy search of names (rapidfuzz)."""

from __future__ import annotations

from collections.abc import Sequence

from audiorec.data.names.text_folding import strip_accents

CLOSE = 90.0  # rapidfuzz's score, of 100, from which a misspelt name is accepted
CLEAR = 4.0  # and least lead over the next best
LIKELY = 60.0  # score from which a name is worth suggesting


def closest(query: str, names: Sequence[str], *, limit: int = 5) -> list[tuple[int, float]]:
    """Names most similar to a query, in any order of their words.

    Parameters
    ----------
    query : str
        Folded.
    names : sequence of str
        Folded.
    limit : int

    Returns
    -------
    matches : list of (int, float)
        Position in `names` and similarity from 0 to 100, best first.
    """
    from rapidfuzz import fuzz, process  # here: only once a name is misspelled

    scored = process.extract(
        strip_accents(query),
        [strip_accents(name) for name in names],
        scorer=fuzz.token_sort_ratio,
        processor=None,
        score_cutoff=LIKELY,
        limit=limit,
    )
    return [(position, score) for _, score, position in scored]
