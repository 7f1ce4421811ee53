"""Two processes that torchrun started learn what one learns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from audiorec.exceptions import ParameterError
from audiorec.models.config import ModelConfig
from audiorec.models.networks import build_network
from audiorec.models.together import TogetherNorm, normalize_together
from audiorec.progress import silent
from audiorec.ranks import Team
from audiorec.training import train
from audiorec.training.data import gather, input_scale
from audiorec.training.fit import Run, fit

pytestmark = pytest.mark.slow

SMALL = {"architecture": "small1d", "channels": 16, "hidden": 32, "dropout": 0.0}
CASES = {
    "cosine": (SMALL, {}),
    "accumulated": (SMALL, {"loss": "contrastive-all", "accumulate": 2, "batch_size": 9}),
    "within a batch": (SMALL, {"loss": "contrastive", "mixup": 0.0, "time_mask": 0.3}),
    "two axes": (SMALL | {"architecture": "shortchunk", "channels": 4}, {"loss": "mse"}),
    "dropout": (SMALL | {"dropout": 0.5}, {}),
    "described": ({"words": 8, "heads": 3, "hidden": 16}, {"batch_size": 32}),
}
SCRIPT = """
import importlib.util, json, os, pathlib, signal, sys, torch
torch.set_num_threads(1)
from safetensors.torch import save_file
spec = importlib.util.spec_from_file_location("planted", {conftest!r})
planted = sys.modules["planted"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(planted)
from audiorec.models.config import ModelConfig
from audiorec.ranks import team
from audiorec.training import module, train
module.SAVE_SECONDS = 0.0
place, cases, kill_at = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
step, count = module.FactorModule.training_step, iter(range(10**6))
def training_step(self, *arguments):
    if next(count) == kill_at and team().rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *arguments)
module.FactorModule.training_step = training_step
world = planted.make_world()
for name, (model, changes) in cases.items():
    seen = []
    arguments = world.arguments(**changes) | {{"model": ModelConfig(**model)}}
    work = place / "work" / name
    result = train(
        world.store, world.targets, **arguments, work_directory=work,
        progress=lambda *call: seen.append(call),
    )
    where = place / str(team().rank)
    where.mkdir(exist_ok=True)
    save_file(dict(result.checkpoint.weights), where / (name + ".safetensors"))
    rows = [row[:3] for row in result.history]
    told = {{"history": rows, "agreement": result.checkpoint.agreement, "seen": len(seen)}}
    (where / (name + ".json")).write_text(json.dumps(told))
"""


def together(place, cases, *, kill_at=-1):
    """Let two processes learn `cases`; what torchrun ended with."""
    script = place / "learn.py"
    conftest = str(Path(__file__).with_name("conftest.py"))
    script.write_text(textwrap.dedent(SCRIPT.format(conftest=conftest)))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*torchrun, "--nproc_per_node=2", script, place, json.dumps(cases), str(kill_at)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def learned(place, name, *, rank=0):
    told = json.loads((place / str(rank) / f"{name}.json").read_text())
    return load_file(place / str(rank) / f"{name}.safetensors"), told


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes learned of every case."""
    place = tmp_path_factory.mktemp("two")
    done = together(place, CASES)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return place


def alone(world, name):
    model, changes = CASES[name]
    arguments = world.arguments(**changes) | {"model": ModelConfig(**model)}
    return train(world.store, world.targets, **arguments)


@pytest.mark.parametrize("name", ["cosine", "accumulated", "within a batch", "two axes"])
def test_the_loss_curve_is_that_of_one_process(world, two, name):
    weights, told = learned(two, name)
    expected = alone(world, name)
    curve = np.array([row[:3] for row in expected.history])
    np.testing.assert_allclose(np.array(told["history"]), curve, rtol=2e-3)
    for key, tensor in expected.checkpoint.weights.items():
        torch.testing.assert_close(weights[key], tensor, atol=5e-3, rtol=5e-2, msg=key)


def test_with_dropout_the_curves_lie_close(world, two):
    _, told = learned(two, "dropout")
    curve = np.array([row[:3] for row in alone(world, "dropout").history])
    np.testing.assert_allclose(np.array(told["history"]), curve, rtol=0.1)


def test_the_described_network_is_the_same_bit_for_bit(world, two):
    weights, told = learned(two, "described")
    expected = alone(world, "described")
    assert [tuple(row) for row in told["history"]] == [row[:3] for row in expected.history]
    assert told["agreement"] == expected.checkpoint.agreement
    for key, tensor in expected.checkpoint.weights.items():
        assert torch.equal(weights[key], tensor), key


@pytest.mark.parametrize("name", CASES)
def test_all_processes_return_the_same_and_the_first_alone_tells(two, name):
    (weights, told), (others, other) = (learned(two, name, rank=rank) for rank in (0, 1))
    assert told.pop("seen") > 0 == other.pop("seen")
    assert told == other
    for key, tensor in weights.items():
        assert torch.equal(others[key], tensor), key


def test_a_killed_process_costs_nothing_but_time(two, tmp_path):
    name = "cosine"
    cases = {name: CASES[name]}
    assert together(tmp_path, cases, kill_at=8).returncode != 0
    assert not (tmp_path / "0").exists()
    done = together(tmp_path, cases)
    assert done.returncode == 0, done.stderr
    weights, told = learned(tmp_path, name)
    expected, curve = learned(two, name)
    assert told["history"] == curve["history"]
    for key, tensor in expected.items():
        assert torch.equal(weights[key], tensor), key


def test_normalising_together_is_batch_normalisation_for_one(monkeypatch):
    monkeypatch.setattr("audiorec.models.together.distributed.all_reduce", lambda tensor: None)
    model = ModelConfig(architecture="shortchunk", channels=4, hidden=8, dropout=0.0)
    plain, other = (build_network(model, n_mels=16, n_outputs=3) for _ in range(2))
    other.load_state_dict(plain.state_dict())
    normalize_together(other)
    assert sum(isinstance(part, TogetherNorm) for part in other.modules()) == sum(
        isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in plain.modules()
    )
    x = torch.randn(6, 16, 40)
    for network in (plain, other):
        network(x).square().sum().backward()
    for (name, one), two_ in zip(plain.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(two_.grad, one.grad, atol=1e-3, rtol=1e-3, msg=name)
    for name, buffer in plain.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], buffer, msg=name)
    assert plain.state_dict().keys() == other.state_dict().keys()
    torch.testing.assert_close(other.eval()(x), plain.eval()(x))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compile": "yes"}, "compile='yes' is for one process"),
        ({"batch_size": 1}, "batch_size=1 leaves a batch of 1 to 2 processes"),
    ],
)
def test_what_several_processes_cannot_do(world, changes, message):
    config = world.train.model_copy(update=changes)
    training, validation = gather(world.store, world.targets, groups=world.groups, config=config)
    run = Run(config, None, "key", torch.device("cpu"), silent, Team(0, 2))
    with pytest.raises(ParameterError, match=message):
        fit(nn.Identity(), training, validation, scale=input_scale(training), window=9, run=run)
