"""Train, validation and test splits of tracks, and halves of listeners."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from audiorec.data.track_groups import merge_groups, numbered
from audiorec.exceptions import ParameterError


class Split(NamedTuple):
    """Tracks of each side, in the order they were given.

    Attributes
    ----------
    train, validation, test : tuple of str
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


class UserHalves(NamedTuple):
    """Listeners of each half, in the order they were given.

    Attributes
    ----------
    first, second : tuple of str
    """

    first: tuple[str, ...]
    second: tuple[str, ...]


def split_tracks(
    track_ids: Sequence[str],
    artists: Mapping[str, Hashable],
    *,
    test_fraction: float,
    seed: int,
    by: Literal["artist", "track"] = "artist",
    validation_share: float = 0.0,
    duplicates: Mapping[str, Hashable] | None = None,
) -> Split:
    """Split tracks into training, validation and test sets.

    The units of the split are whole artists (`by` "artist") or single tracks, merged further so
    that tracks of one group of duplicates are never on two sides. Units are shuffled by the seed;
    each goes to the test side while that still lacks tracks, then to validation, then to training,
    and a unit that would overshoot by more than it fills is skipped.

    Parameters
    ----------
    track_ids : sequence of str
        Unique ids; their order does not change the split.
    artists : mapping of str to hashable
        Artist of each track. A track that has none, or an empty one, is its own artist.
    test_fraction : float
        Fraction of the tracks, in [0, 1); above 0, the side gets at least one unit.
    seed : int
    by : {"artist", "track"}
    validation_share : float
        As `test_fraction`.
    duplicates : mapping of str to hashable, optional
        Duplicate group of each track; tracks not in it have no duplicate.

    Returns
    -------
    split : Split

    Raises
    ------
    ParameterError
        If a fraction is impossible, or a requested side would be empty.
    """
    _check_shares(track_ids, test_fraction, validation_share)
    units = _units(track_ids, artists if by == "artist" else {}, duplicates or {})
    order = np.random.default_rng(seed).permutation(len(units))
    sides: dict[str, set[str]] = {"test": set(), "validation": set(), "train": set()}
    left = [units[number] for number in order]
    for side, share in (("test", test_fraction), ("validation", validation_share)):
        chosen, left = _split_units(left, share * len(track_ids))
        sides[side] = {id_ for unit in chosen for id_ in unit}
    sides["train"] = {id_ for unit in left for id_ in unit}
    names = {str(artists.get(id_) or id_) for id_ in track_ids} if by == "artist" else set()
    _check_sides(sides, len(units), by, names, test_fraction, validation_share)
    return Split(*(tuple(i for i in track_ids if i in sides[s]) for s in Split._fields))


def split_users(user_ids: Sequence[str], *, seed: int) -> UserHalves:
    """Split listeners into two halves; of an odd number, the first gets one more.

    Parameters
    ----------
    user_ids : sequence of str
        Unique ids; their order does not change the split.
    seed : int

    Raises
    ------
    ParameterError
        If there are fewer than two.
    """
    if len(user_ids) < 2:
        raise ParameterError(f"{len(user_ids)} listeners cannot be halved; import more plays")
    ordered = sorted(user_ids)
    chosen = np.random.default_rng(seed).permutation(len(ordered))[: (len(ordered) + 1) // 2]
    first = {ordered[row] for row in chosen}
    return UserHalves(
        tuple(i for i in user_ids if i in first), tuple(i for i in user_ids if i not in first)
    )


def _check_shares(track_ids: Sequence[str], test_fraction: float, validation_share: float) -> None:
    for name, share in (("test_fraction", test_fraction), ("validation_share", validation_share)):
        if not 0 <= share < 1:
            raise ParameterError(f"{name}={share} must be at least 0 and below 1")
    if test_fraction + validation_share >= 1:
        raise ParameterError(
            f"test_fraction={test_fraction} and validation_share={validation_share} leave nothing "
            "to train on; lower one of them"
        )
    if len(set(track_ids)) != len(track_ids):
        raise ParameterError("track_ids holds an id twice; ids must be unique")


def _units(
    track_ids: Sequence[str], artists: Mapping[str, Hashable], duplicates: Mapping[str, Hashable]
) -> list[list[str]]:
    """Tracks that must stay on one side, in the order of their smallest ids."""
    ordered = sorted(track_ids)
    one = merge_groups(numbered(ordered, artists), numbered(ordered, duplicates))
    units: dict[int | str, list[str]] = {}
    for id_ in ordered:
        units.setdefault(one.get(id_, id_), []).append(id_)
    return list(units.values())


def _split_units(units: list[list[str]], wanted: float) -> tuple[list[list[str]], list[list[str]]]:
    """Units up to about `wanted` tracks, and the remaining units."""
    chosen: list[list[str]] = []
    left: list[list[str]] = []
    count = 0
    for unit in units:
        overshoot = count + len(unit) - wanted
        if count < wanted and overshoot <= max(len(unit) / 2, 0.5):
            chosen.append(unit)
            count += len(unit)
        else:
            left.append(unit)
    if wanted > 0 and not chosen and len(left) > 1:
        smallest = min(range(len(left)), key=lambda number: len(left[number]))
        chosen.append(left.pop(smallest))
    return chosen, left


def _check_sides(
    sides: Mapping[str, set[str]],
    n_units: int,
    by: str,
    names: set[str],
    test_fraction: float,
    validation_share: float,
) -> None:
    wanted = {"train": 1.0, "validation": validation_share, "test": test_fraction}
    for side, share in wanted.items():
        if share > 0 and not sides[side]:
            if n_units != 1:
                why = f"there are only {n_units} {by}s (duplicates counted as one)"
            elif len(names) == 1:
                why = f"one artist, {min(names)!r}, holds all tracks"
            else:
                why = "all tracks are duplicates of each other"
            remedy = "split by track (track-cold)" if by == "artist" else "add tracks"
            raise ParameterError(f"the {side} side would be empty: {why}; {remedy}")
