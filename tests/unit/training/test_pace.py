"""The fastest way is found by measuring, and only where the settings leave it open."""

import logging

import pytest
import torch

from audiorec.exceptions import ParameterError
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.networks import build_network
from audiorec.training import pace as pace_module
from audiorec.training import train
from audiorec.training.module import FactorModule
from audiorec.training.pace import Pace, pick_pace, put_in_pace

CPU = torch.device("cpu")


def pick(network, mel, *, steps=10, **settings):
    return pick_pace(network, mel, config=TrainConfig(**settings), device=CPU, steps=steps)


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ModelConfig(architecture="shortchunk", channels=4, hidden=8)
        return build_network(model, n_mels=16, n_outputs=3)


@pytest.fixture
def mel():
    return torch.randn(4, 16, 40, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def times(monkeypatch):
    """Seconds a step, by pace, in place of a clock."""
    seconds = {}
    monkeypatch.setattr(
        pace_module, "_timed", lambda steppers: {pace: seconds[pace] for pace in steppers}
    )
    return seconds


def test_by_default_nothing_is_measured(network, mel, monkeypatch):
    monkeypatch.setattr(pace_module, "stepper", lambda *_, **__: pytest.fail("measured"))
    assert pick(network, mel) == Pace("32-true", "plain", "no")
    assert pick(network, mel, precision="bf16-mixed") == Pace("bf16-mixed")
    assert pick(network, mel, layout="channels-last") == Pace(layout="channels-last")


@pytest.mark.parametrize(
    ("fast", "expected"), [(0.5, Pace("bf16-mixed", "channels-last")), (0.97, Pace())]
)
def test_the_fastest_is_taken_where_it_is_worth_it(network, mel, times, caplog, fast, expected):
    for precision in ("32-true", "bf16-mixed"):
        for layout in ("plain", "channels-last"):
            times[Pace(precision, layout)] = 1.0
    times[Pace("bf16-mixed", "channels-last")] = fast
    with caplog.at_level(logging.INFO, "audiorec.training"):
        assert pick(network, mel, precision="fastest", layout="fastest") == expected
    assert f"{1e3 * fast:.1f} ms as bf16-mixed, channels-last" in caplog.text
    assert f"goes on with {expected.precision}, {expected.layout}" in caplog.text


def test_measuring_changes_nothing(network, mel):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state, given = torch.get_rng_state(), mel.clone()
    pick(network, mel, precision="fastest", layout="fastest")
    assert torch.equal(torch.get_rng_state(), state) and torch.equal(mel, given)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]) and tensor.is_contiguous(), name


@pytest.mark.parametrize(("steps", "compiled"), [(10, "no"), (10**9, "yes")])
def test_compiling_must_pay(network, mel, times, monkeypatch, steps, compiled):
    monkeypatch.setattr(torch, "compile", lambda module: module)
    times |= {Pace(): 1.0, Pace(compiled="yes"): 0.999999}
    assert pick(network, mel, compile="fastest", steps=steps).compiled == compiled


def test_where_there_is_no_compiler(network, mel, monkeypatch):
    def compile(module):
        raise RuntimeError("no C++ compiler\nand more")

    monkeypatch.setattr(torch, "compile", compile)
    assert pick(network, mel, compile="fastest") == Pace()
    with pytest.raises(ParameterError, match=r"\(no C\+\+ compiler\); write compile = 'no'"):
        pick(network, mel, compile="yes")


def test_channels_last_gives_what_plain_gives(network, mel):
    network.eval()
    expected = network(mel)
    assert put_in_pace(network, Pace(layout="channels-last")) == []
    lies = network.blocks[0].long[2][0].weight
    assert lies.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network(mel), expected, atol=1e-5, rtol=1e-4)


def test_a_run_goes_on_as_it_was_begun(world, tmp_path, monkeypatch):
    """Another time the other way might be faster, and the weights would not be the same."""
    monkeypatch.setattr("audiorec.training.module.SAVE_SECONDS", 0.0)
    picked, used = [], []

    def pick_once(*_, **__):
        picked.append(1)
        return Pace("bf16-mixed")

    step = FactorModule.training_step

    def noting_step(self, *arguments):
        used.append(torch.is_autocast_enabled("cpu"))
        return step(self, *arguments)

    monkeypatch.setattr("audiorec.training.fit.pick_pace", pick_once)
    monkeypatch.setattr(FactorModule, "training_step", noting_step)
    settings = world.arguments(precision="fastest", max_epochs=2)
    whole = train(world.store, world.targets, **settings, work_directory=tmp_path / "a")

    def stop(stage, done, total, note=""):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(world.store, world.targets, **settings, work_directory=tmp_path, progress=stop)
    again = train(world.store, world.targets, **settings, work_directory=tmp_path)
    assert len(picked) == 2 and all(used)
    for name, tensor in whole.checkpoint.weights.items():
        assert torch.equal(again.checkpoint.weights[name], tensor), name
