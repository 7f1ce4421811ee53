"""Registry of systems, and choice of those to compare."""

from __future__ import annotations

from collections.abc import Sequence

from audiorec.evaluation.systems import artists, content, controls, oracles, regressions
from audiorec.evaluation.systems.base import System
from audiorec.evaluation.systems.content import BASELINE, CHANGES, SMOOTHED, content_system, name_of
from audiorec.evaluation.systems.controls import RANDOM
from audiorec.evaluation.systems.oracles import ORACLE
from audiorec.evaluation.systems.regressions import TRUE_ATTRIBUTES
from audiorec.exceptions import ParameterError
from audiorec.pipeline import Recipe

SYSTEMS: dict[str, System] = {
    **controls.SYSTEMS,
    **regressions.SYSTEMS,
    BASELINE: content_system(CHANGES[BASELINE], baseline=True),
    **artists.SYSTEMS,
    **{name: content_system(change) for name, change in CHANGES.items() if name != BASELINE},
    **{name + SMOOTHED: content_system(change, smoothed=True) for name, change in CHANGES.items()},
    **regressions.CEILINGS,
    **oracles.SYSTEMS,
}
# Former names, accepted for one release.
RENAMED = {
    "shuffled features": "shuffled",
    "popularity (leaky)": controls.POPULARITY_OF_TEST_TRACKS,
    "cnn": content.CNN,
    "cnn + artist": content.CNN + SMOOTHED,
    "musicnn + head": "musicnn + ridge",
    "descriptors + ridge": BASELINE,
    "descriptors + mlp": content.BASELINE_MLP,
    "mfcc bag of words + linear": "MFCC + ridge",
    "perception ceiling": TRUE_ATTRIBUTES,
    "oracle (paper)": "ALS on all plays",
    "oracle (honest)": ORACLE,
}


def current_name(name: str) -> str:
    """Return the name of a system that was called so before, with its smoothing if any."""
    model = name.removesuffix(SMOOTHED)
    return RENAMED.get(model, model) + name[len(model) :]


def find_system(name: str) -> System:
    """Return the system of a name in `SYSTEMS`.

    Raises
    ------
    ParameterError
        If there is no system of that name.
    """
    system = SYSTEMS.get(current_name(name))
    if system is None:
        known = ", ".join(repr(known) for known in SYSTEMS if SMOOTHED not in known)
        raise ParameterError(
            f"unknown system {name!r}; choose from {known}; a model may be followed by {SMOOTHED!r}"
        )
    return system


def own_systems(recipe: Recipe) -> dict[str, System]:
    """Return the recipe's own model, without and with artist smoothing."""
    name = name_of(recipe)
    return {
        name: content_system(CHANGES[name], own=True),
        name + SMOOTHED: content_system(CHANGES[name], own=True, smoothed=True),
    }


def chosen_systems(
    wanted: Sequence[str] | None, *, recipe: Recipe, with_truth: bool
) -> dict[str, System]:
    """Choose systems by name, in the order of `SYSTEMS`.

    Parameters
    ----------
    wanted : sequence of str, or None
        None for the recipe's own model and all but those evaluated only on request.
    recipe : Recipe
    with_truth : bool
        Whether the truth of a synthetic world is given.

    Raises
    ------
    ParameterError
        If a name is unknown, or its settings are incompatible with the recipe.
    """
    own = own_systems(recipe)
    if wanted is None:
        names = {n for n, s in SYSTEMS.items() if not s.by_name} | own.keys()
        names -= set() if with_truth else {TRUE_ATTRIBUTES}
    else:
        for name in wanted:
            find_system(name)
        names = {RANDOM, ORACLE, *map(current_name, wanted)}
    chosen = {name: own.get(name, system) for name, system in SYSTEMS.items() if name in names}
    for name, system in chosen.items():
        try:
            system.settings(recipe)
        except ParameterError as error:
            raise ParameterError(f"system {name!r}: {error}") from None
    return chosen
