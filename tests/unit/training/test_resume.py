"""A run that is killed and started again ends with the weights of one that was not."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from audiorec import artifacts
from audiorec.training import train
from audiorec.training.loop import TrainingLoop
from audiorec.training.state import KIND, find_state, save_state


@pytest.fixture(autouse=True)
def _every_epoch_is_kept(monkeypatch):
    """These epochs are far shorter than the time between one state and the next."""
    monkeypatch.setattr("audiorec.training.loop.SAVE_SECONDS", 0.0)


class Killed(BaseException):
    """Stands for a kill that leaves the test running."""


def run(world, directory=None, progress=None, **changes):
    more = {} if progress is None else {"progress": progress}
    return train(
        world.store, world.targets, **world.arguments(**changes), work_directory=directory, **more
    )


def weights_of(result):
    return result.model.network.state_dict()


def assert_same(result, expected):
    assert weights_of(result).keys() == weights_of(expected).keys()
    for name, tensor in weights_of(expected).items():
        assert torch.equal(weights_of(result)[name], tensor), name
    assert [row[:3] for row in result.history] == [row[:3] for row in expected.history]


def stop_after(epoch):
    def progress(stage, done, total, note=""):
        if done == epoch:
            raise Killed

    return progress


@pytest.fixture(scope="module")
def undisturbed(world):
    return run(world, max_epochs=4)


def test_same_seed_same_weights_other_seed_other_weights(world, undisturbed):
    assert_same(run(world, max_epochs=4), undisturbed)
    other = run(world, max_epochs=4, seed=1)
    assert not torch.equal(*(next(iter(weights_of(r).values())) for r in (other, undisturbed)))


@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_killed_at_the_end_of_an_epoch(world, undisturbed, tmp_path, epoch):
    with pytest.raises(Killed):
        run(world, tmp_path / "work", stop_after(epoch), max_epochs=4)
    assert_same(run(world, tmp_path / "work", max_epochs=4), undisturbed)


@pytest.mark.parametrize("loss", ["contrastive", "mse"])
def test_killed_under_other_losses(world, tmp_path, loss):
    settings = {"loss": loss, "max_epochs": 3, "mixup": 1.0}
    expected = run(world, **settings)
    with pytest.raises(Killed):
        run(world, tmp_path / "work", stop_after(2), **settings)
    assert_same(run(world, tmp_path / "work", **settings), expected)


@pytest.mark.parametrize("batch", [0, 6, 13])
def test_killed_amid_an_epoch(world, undisturbed, tmp_path, monkeypatch, batch):
    step, count = TrainingLoop.step, iter(range(1000))

    def killing_step(self, *arguments, weight):
        if next(count) == batch:
            raise Killed
        return step(self, *arguments, weight=weight)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(TrainingLoop, "step", killing_step)
        run(world, tmp_path / "work", max_epochs=4)
    assert_same(run(world, tmp_path / "work", max_epochs=4), undisturbed)


def test_resumes_and_does_not_begin_anew(world, tmp_path):
    with pytest.raises(Killed):
        run(world, tmp_path / "work", stop_after(3), max_epochs=4)
    seen = []
    run(world, tmp_path / "work", lambda stage, done, *rest: seen.append(done), max_epochs=4)
    assert seen == [4]


def test_a_finished_run_returns_at_once(world, undisturbed, tmp_path):
    run(world, tmp_path / "work", max_epochs=4)
    seen = []
    again = run(world, tmp_path / "work", lambda *call: seen.append(call), max_epochs=4)
    assert_same(again, undisturbed)
    assert seen == []


def test_early_stopping_survives_a_kill(world, tmp_path, monkeypatch):
    monkeypatch.setattr("audiorec.training.loop.AVERAGE_DECAY", 0.0)
    settings = {"max_epochs": 40, "patience": 2, "learning_rate": 0.05}
    expected = run(world, **settings)
    last = expected.history[-1].epoch
    assert last < 40
    with pytest.raises(Killed):
        run(world, tmp_path / "work", stop_after(last - 1), **settings)
    assert_same(run(world, tmp_path / "work", **settings), expected)


def test_state_of_other_settings_or_inputs_is_not_used(world, undisturbed, tmp_path):
    run(world, tmp_path / "work", max_epochs=4, learning_rate=0.01)
    assert_same(run(world, tmp_path / "work", max_epochs=4), undisturbed)


@pytest.mark.parametrize("damage", ["tensors", "manifest", "flipped", "gone"])
def test_damaged_state_is_not_used(world, undisturbed, tmp_path, damage):
    work = tmp_path / "work"
    with pytest.raises(Killed):
        run(world, work, stop_after(3), max_epochs=4)
    (tensors,) = work.glob("tensors.*")
    if damage == "tensors":
        os.truncate(tensors, tensors.stat().st_size - 7)
    elif damage == "manifest":
        os.truncate(work / artifacts.MANIFEST, 100)
    elif damage == "flipped":
        content = bytearray(tensors.read_bytes())
        content[-5] ^= 255
        tensors.write_bytes(content)
    elif damage == "gone":
        tensors.unlink()
    assert_same(run(world, work, max_epochs=4), undisturbed)


def test_killed_by_the_system(undisturbed, tmp_path):
    """SIGKILL amid the third epoch of a run in a process of its own, then to the end."""
    script = tmp_path / "run.py"
    world_file = str(Path(__file__).with_name("conftest.py"))
    script.write_text(
        textwrap.dedent(
            f"""
            import os, signal, sys, importlib.util, itertools, pathlib, torch
            torch.set_num_threads(1)
            from safetensors.torch import save_file
            spec = importlib.util.spec_from_file_location("planted", {world_file!r})
            planted = sys.modules["planted"] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(planted)
            from audiorec.training import train, loop as module
            work, kill_at = pathlib.Path(sys.argv[1]), int(sys.argv[2])
            step, count = module.TrainingLoop.step, itertools.count()
            def killing_step(self, *arguments, weight):
                if next(count) == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return step(self, *arguments, weight=weight)
            module.TrainingLoop.step = killing_step
            world = planted.make_world()
            settings = world.arguments(max_epochs=4)
            result = train(world.store, world.targets, **settings, work_directory=work)
            save_file(dict(result.model.network.state_dict()), work.with_suffix(".safetensors"))
            """
        )
    )

    def go(work, kill_at):
        return subprocess.run(
            [sys.executable, script, tmp_path / work, str(kill_at)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert go("killed", 12).returncode == -signal.SIGKILL
    done = go("killed", -1)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    weights = load_file(tmp_path / "killed.safetensors")
    assert weights.keys() == weights_of(undisturbed).keys()
    for name, tensor in weights_of(undisturbed).items():
        assert torch.equal(weights[name], tensor), name


def test_nested_state_round_trip_and_refusal(tmp_path):
    state = {"a": [1, 2.5, None, True, "x"], 3: {"t": torch.arange(3), "p": (0.9, 0.999)}, "e": {}}
    save_state(tmp_path, state, key="one")
    back = find_state(tmp_path, key="one")
    assert back["a"] == state["a"]
    assert back[3]["p"] == state[3]["p"]
    assert torch.equal(back[3]["t"], state[3]["t"])
    assert back["e"] == {}
    with pytest.raises(TypeError, match="ndarray"):
        save_state(tmp_path, {"x": np.zeros(1)}, key="one")


def test_state_of_another_run_is_not_found(tmp_path):
    save_state(tmp_path, {"x": torch.ones(2)}, key="one")
    assert find_state(tmp_path, key="two") is None
    assert torch.equal(find_state(tmp_path, key="one")["x"], torch.ones(2))
    assert artifacts.load_manifest(tmp_path, kind=KIND).kind == KIND
    assert find_state(tmp_path / "none", key="one") is None
