"""What `audiorec evaluate` takes."""

from __future__ import annotations

from types import SimpleNamespace

from audiorec.cli.evaluate import _with_variants, command
from audiorec.config import MAX_SEED
from audiorec.evaluate import Report, systems


def test_seeds_are_those_that_a_recipe_takes():
    option = next(option for option in command.params if option.name == "seeds")
    assert (option.type.min, option.type.max) == (0, MAX_SEED)


def test_several_splits_are_a_list_and_help_says_so():
    splits = [SimpleNamespace(to_json=lambda name=name: {"split": name}) for name in ("b", "a")]
    assert Report(tuple(splits[:1])).to_json() == {"split": "b"}
    assert Report(tuple(splits)).to_json() == [{"split": "b"}, {"split": "a"}]
    assert "several are a list of them, in the order" in " ".join((command.help or "").split())


def test_losses_and_networks_are_run_together():
    names = _with_variants((), ["losses", "networks"], (), truth=False)
    assert {*systems.UNDER_EACH_LOSS, *systems.UNDER_EACH_NETWORK} < set(names)
