"""Ray and the processes of this machine give the same outcomes."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import signal
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

from audiorec import local_or_ray
from audiorec.audio import MelConfig
from audiorec.data.catalog import Catalog, Track
from audiorec.exceptions import EngineError, ParameterError
from audiorec.inference import embed_elsewhere, embed_store
from audiorec.local_or_ray import check_engine, run_on
from audiorec.mel import MelStore, compute_mels
from audiorec.models import (
    ContentModel,
    InputScale,
    ModelConfig,
    TrainConfig,
    build_network,
    save_model,
)

MEL = MelConfig(sr=8000, n_fft=256, hop_length=256, n_mels=16, clip_seconds=2)


@pytest.fixture
def jobs(monkeypatch):
    """Functions that a worker process can import."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("_jobs")


@pytest.fixture(scope="module")
def ray():
    """A session for all tests of this module, as a program that uses Ray itself has one."""
    pytest.importorskip("ray", reason="no Ray: pip install 'audiorec-music[ray]'")
    here = str(Path(__file__).parent)
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    # Ray is polite by default, and would wait for the tests beside it.
    settings = {"PYTHONPATH": os.pathsep.join(paths), "RAY_worker_niceness": "0"}
    with mock.patch.dict(os.environ, settings):
        ray = local_or_ray._ray()
        terminated = signal.getsignal(signal.SIGTERM)
        with local_or_ray._session(ray, n_jobs=2):
            yield ray
        assert signal.getsignal(signal.SIGTERM) == terminated  # Ray sets its own


def test_an_address_that_ray_makes_nothing_of(ray, jobs, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # a session that is open is taken
    monkeypatch.setenv("RAY_ADDRESS", "nonsense://cluster")
    with pytest.raises(
        EngineError, match=r"Ray does not start at RAY_ADDRESS=nonsense://cluster \(.*\); start a"
    ):
        on_ray(jobs.double, [1])


def on_ray(function, items, **settings):
    return list(run_on("ray", function, items, **settings))


def test_arrays_come_in_order_and_bit_for_bit(ray, jobs):
    items = list(range(37))
    local = list(run_on("local", jobs.array_of, items, n_jobs=2))
    found = on_ray(jobs.array_of, iter(items), n_jobs=2, chunk=5)
    assert [o.item for o in found] == items
    assert all(o.error is None for o in found)
    for mine, theirs in zip(found, local, strict=True):
        assert mine.value.dtype == theirs.value.dtype
        assert mine.value.tobytes() == theirs.value.tobytes()
        assert mine.value.shape == theirs.value.shape


def test_more_chunks_than_ray_is_told_of_at_once(ray, jobs, monkeypatch):
    monkeypatch.setattr(local_or_ray, "AT_ONCE", 3)
    assert [o.value for o in on_ray(jobs.double, range(20), chunk=2)] == [2 * i for i in range(20)]


def test_each_failure_costs_its_own_item_and_reads_alike(ray, jobs):
    items = ["a", "segfault", "b", "exit", "hang", "refuse", "bug", "c"]
    local = list(run_on("local", jobs.misbehave, items, n_jobs=2, timeout=4))
    found = on_ray(jobs.misbehave, items, n_jobs=2, timeout=4, chunk=3)
    assert [(o.item, o.error) for o in found] == [(o.item, o.error) for o in local]


def test_a_ray_worker_that_is_killed_costs_nothing(ray, jobs, tmp_path):
    function = partial(jobs.kill_parent_once, mark=tmp_path / "killed")
    items = [f"a{i}" for i in range(9)] + ["kill"] + [f"b{i}" for i in range(9)]
    found = on_ray(function, items, n_jobs=2, chunk=4)
    assert (tmp_path / "killed").exists()
    assert [(o.value, o.error) for o in found] == [(item, None) for item in items]


@pytest.fixture
def catalog(tmp_path, tune, write_audio):
    """Forty tracks of which one is no sound, one is gone, and one is short."""
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        tracks = []
        for i in range(40):
            seconds = 1.2 if i == 9 else 3
            file = write_audio(tmp_path / f"{i}.wav", tune(seconds, 8000, 1, seed=i), sr=8000)
            if i == 6:
                file.write_bytes(b"this is no sound")
            tracks.append(Track(f"t{i:02d}", str(file), clip_hash=f"h{i}"))
        (tmp_path / "3.wav").unlink()
        catalog.upsert(tracks)
        yield catalog


def mels_on(engine, directory, catalog, **settings):
    report = compute_mels(directory, catalog, config=MEL, n_jobs=2, engine=engine, **settings)
    failures = [(f.path, f.stage, f.reason) for f in catalog.failures()]
    files = {p.name: p.read_bytes() for p in directory.iterdir()}
    return report, failures, files


def test_mels_are_the_same_files_though_workers_are_killed(ray, catalog, tmp_path, monkeypatch):
    monkeypatch.setattr("audiorec.mel.compute.SHARD_TRACKS", 8)
    monkeypatch.setattr("audiorec.local_or_ray.AT_ONCE", 1)  # so that none is done before the kill
    expected = mels_on("local", tmp_path / "local", catalog)
    assert expected[0] == (38, 0, 2) and len(expected[1]) == 2
    with killing_busy_workers(2) as killed:
        assert mels_on("ray", tmp_path / "ray", catalog) == expected
    assert len(killed) == 2


@contextlib.contextmanager
def killing_busy_workers(n):
    """Kill `n` of Ray's workers, each in the middle of a task, while the block runs."""
    killed, over = set(), threading.Event()

    def kill():
        while len(killed) < n and not over.wait(0.01):
            for worker in list(busy_workers() - killed)[: n - len(killed)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed.add(worker)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def busy_workers():
    """Ray's worker processes below this one that have a task, and a process of their own for it."""
    parents, names = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (folder / "stat").read_text()
                parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
                names[int(folder.name)] = (folder / "cmdline").read_bytes()
    found = set()
    for pid, name in names.items():
        above = pid
        while above not in (0, os.getpid()):
            above = parents.get(above, 0)
        busy = name.startswith(b"ray::") and not name.startswith(b"ray::IDLE")
        if above and busy and pid in parents.values():
            found.add(pid)
    return found


@pytest.fixture
def model(tmp_path):
    """A network that has learned nothing, stored in ``model``."""
    config = ModelConfig(encoder="cnn", channels=8, hidden=8)
    torch.manual_seed(0)
    scale = InputScale(np.full(MEL.n_mels, -40, "f4"), np.full(MEL.n_mels, 10, "f4"))
    network = build_network(config, mel=MEL, n_outputs=3, scale=scale, published=False)
    train = TrainConfig(crop_seconds=0.6)
    model = ContentModel(network.eval(), config, MEL, train, n_outputs=3, output_norm="unit")
    save_model(tmp_path / "model", model, inputs={})
    return model


@pytest.fixture
def store(catalog, tmp_path):
    """The spectrograms of the tracks that can be read, in ``mels``."""
    mels_on("local", tmp_path / "mels", catalog)
    return MelStore(tmp_path / "mels")


def test_embeddings_are_equal(ray, model, store, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as a Ray worker has
    try:
        for ids in (store.ids, store.ids[5:9], ()):
            expected = embed_store(model, store, ids=ids)
            found = embed_elsewhere(tmp_path / "model", store, engine="ray", ids=ids, n_jobs=2)
            assert found.ids == expected.ids
            assert found.vectors.tobytes() == expected.vectors.tobytes()
    finally:
        torch.set_num_threads(threads)


def test_embedding_says_what_it_could_not_read(ray, model, store, tmp_path):
    for shard in store.directory.glob("shard-*"):
        shard.unlink()
    with pytest.raises(EngineError, match=r"track 't00' was .* is missing; run 'audiorec mel'"):
        embed_elsewhere(tmp_path / "model", store, engine="ray", ids=store.ids, n_jobs=2)


def test_items_that_no_worker_can_read(ray, jobs):
    with pytest.raises(
        EngineError, match=r"Ray gave up the work \(.*\); what was done is kept: run it again, or"
    ):
        on_ray(jobs.double, [jobs.Unreadable()])


def test_a_chunk_is_handed_to_a_process_of_its_own(jobs):
    row = {"items": pickle.dumps(("a", "exit", "b"))}
    with local_or_ray._pool():
        done = local_or_ray._work(row, function=jobs.misbehave, timeout=20)
    local_or_ray._pool.cache_clear()
    outcomes = pickle.loads(done["outcomes"])
    assert [o.item for o in outcomes] == ["a", "exit", "b"]
    assert [o.error is None for o in outcomes] == [True, False, True]
    assert os.getpid() not in {o.value for o in outcomes}


def test_log_handlers_of_others_keep_their_level(ray):
    logger, own = logging.getLogger("ray.data"), logging.StreamHandler()
    logger.addHandler(own)
    try:
        local_or_ray._ray()
        levels = {handler.name: handler.level for handler in logger.handlers}
        assert own.level == logging.NOTSET and levels["console"] == logging.CRITICAL
    finally:
        logger.removeHandler(own)


def test_a_session_that_was_open_stays_open(ray, jobs):
    on_ray(jobs.double, [1])
    assert ray.is_initialized()


def test_the_users_own_settings_of_ray_data_stay(ray, jobs):
    context = ray.data.DataContext.get_current()
    before = context.execution_options.preserve_order, context.enable_progress_bars
    on_ray(jobs.double, [1, 2])
    after = ray.data.DataContext.get_current()
    assert after is context
    assert (after.execution_options.preserve_order, after.enable_progress_bars) == before


def test_nothing_to_do_starts_nothing(monkeypatch, jobs):
    monkeypatch.setattr(local_or_ray, "_ray", lambda: pytest.fail("Ray was started"))
    assert on_ray(jobs.double, []) == []


def test_the_remedy_where_ray_is_not_installed(monkeypatch, jobs):
    monkeypatch.setitem(sys.modules, "ray", None)
    for call in (lambda: check_engine("ray"), lambda: on_ray(jobs.double, [1])):
        with pytest.raises(EngineError, match=r"pip install 'audiorec-music\[ray\]'"):
            call()
    check_engine("local")


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_no_cluster_at_the_address(monkeypatch, address):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # and nobody listens
        address = address.format(unheard.getsockname()[1])
        monkeypatch.setenv("RAY_ADDRESS", address)
        monkeypatch.setattr(local_or_ray, "_ray", lambda: None)
        with pytest.raises(EngineError, match=f"RAY_ADDRESS={address} .*'ray start --head'"):
            check_engine("ray")
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    check_engine("ray")


@pytest.mark.parametrize("settings", [{"n_jobs": 0}, {"timeout": 0}])
def test_impossible_settings(jobs, settings):
    with pytest.raises(ParameterError, match="must be"):
        on_ray(jobs.double, [1], **settings)
    with pytest.raises(ParameterError, match="engine='spark' must be one of local, ray"):
        run_on("spark", jobs.double, [1])


def test_chunks():
    assert list(local_or_ray._chunks(iter(range(5)), 2)) == [(0, 1), (2, 3), (4,)]
    assert np.sum([len(c) for c in local_or_ray._chunks(iter(range(100)), 7)]) == 100
