"""What `audiorec evaluate` takes."""

from __future__ import annotations

from audiorec.cli.evaluate import command
from audiorec.config import MAX_SEED


def test_seeds_are_those_that_a_recipe_takes():
    option = next(option for option in command.params if option.name == "seeds")
    assert (option.type.min, option.type.max) == (0, MAX_SEED)
