"""What a track costs at each stage, for docs/scaling.md: `pytest -m benchmark -s`.

Processors' time, not time by the clock, and the difference between two sizes, so that neither what
else runs on the machine nor the start of processes counts. Each size is measured once, so that
figures are good to a tenth or so. ``python docs/make_scaling.py`` puts them into the page.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from benching import ONE_THREAD, RESULTS, machine, process
from made_up import clustered, write_songs

AUDIOREC = Path(sys.executable).with_name("audiorec")
HERE = Path(__file__).parent
SONGS = (24, 120)
SECONDS = 240.0
TRACKS = (160, 480)  # that the network learns from
VECTORS = (50_000, 150_000)
SHARDS = (250, 750)
PRINTS = (4_000, 12_000)


@pytest.mark.benchmark
def test_what_a_track_costs(tmp_path):
    figures = {
        **songs(tmp_path),
        **learning(),
        **plays(),
        **indexing(),
        **commits(tmp_path),
        **duplicates(),
    }
    told = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "command": "python -m pytest tests/benchmarks/test_stages_cost.py -m benchmark -s",
        "machine": machine(("implicit",)),
        "figures": figures,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "stages.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(figures, indent=1), file=sys.stderr)
    assert all(value > 0 for value in figures.values()), figures


def slope(sizes, costs):
    return (costs[1] - costs[0]) / (sizes[1] - sizes[0])


def untrained(workspace):
    """The network from nothing with the weights that it begins with: as slow as any other."""
    from audiorec.audio import MelConfig
    from audiorec.models import (
        ContentModel,
        InputScale,
        ModelConfig,
        TrainConfig,
        build_network,
        save_model,
    )

    mel, model = MelConfig(), ModelConfig()
    scale = InputScale(np.full(mel.n_mels, -30, np.float32), np.full(mel.n_mels, 15, np.float32))
    network = build_network(model, mel=mel, n_outputs=48, scale=scale, published=False)
    made = ContentModel(network, model, mel, TrainConfig(), n_outputs=48, output_norm="unit")
    save_model(workspace.model, made, inputs={"factors": "made up"})


def songs(tmp_path):
    """Songs of four minutes, MP3 at the encoder's default rate, one worker."""
    from audiorec.workspace import Workspace

    write_songs(tmp_path / "all", 8, seconds=SECONDS, copies=SONGS[1] // 8)
    files = sorted((tmp_path / "all").iterdir())
    costs = {stage: [] for stage in ("scan", "mel", "embed")}
    peaks = {}
    for n in SONGS:
        workspace = Workspace(tmp_path / f"ws{n}")
        workspace.create()
        untrained(workspace)
        for stage, rest in (("scan", files[:n]), ("mel", ()), ("embed", ())):
            jobs = ("-j", 1) if stage != "embed" else ()
            command = [AUDIOREC, "-w", workspace.root, stage, *jobs, *rest]
            done = process(command, env=ONE_THREAD)
            costs[stage].append(done["cpu"])
            peaks[stage] = done["peak"]
    catalog = [(tmp_path / f"ws{n}" / "catalog.sqlite").stat().st_size for n in SONGS]
    return {
        **{f"{stage}_cpu_s": slope(SONGS, cost) for stage, cost in costs.items()},
        **{f"{stage}_peak_bytes": peak for stage, peak in peaks.items()},
        "catalog_bytes": slope(SONGS, catalog),
    }


LEARN = """
import sys
from types import SimpleNamespace
import numpy as np
from audiorec.audio.config import MelConfig
from audiorec.models.config import ModelConfig
from audiorec.models.train_config import TrainConfig
from audiorec.embeddings import Embeddings
from audiorec.training import train
n, rng = int(sys.argv[1]), np.random.default_rng(0)
config = MelConfig()
shape = (n, config.n_mels, config.n_frames)
mels = (rng.standard_normal(shape, dtype=np.float32) * 15 - 30).astype("f2")
ids = tuple(f"t{i:06d}" for i in range(n))
store = SimpleNamespace(
    config=config, fingerprint="noise", ids=ids, mels=lambda i: [mels[int(i[1:])]]
)
targets = Embeddings(ids, rng.normal(size=(n, 48)))
settings = TrainConfig(max_epochs=25, patience=25, device="cpu")
train(store, targets, artists={}, model=ModelConfig(), config=settings)
"""


def learning():
    """The network from nothing, 25 epochs."""
    command = [sys.executable, "-c", LEARN]
    done = [process([*command, str(n)], env=ONE_THREAD) for n in TRACKS]
    return {
        "train_cpu_s": slope(TRACKS, [each["cpu"] for each in done]),
        "train_start_cpu_s": done[0]["cpu"] - TRACKS[0] * slope(TRACKS, [e["cpu"] for e in done]),
    }


def plays():
    """Factors, all sweeps."""
    import scipy.sparse

    from audiorec.data.plays import Interactions
    from audiorec.factors import FactorsConfig, fit_factors
    from audiorec.id_map import IdMap

    costs, sizes = [], (200_000, 600_000)
    for n in sizes:
        rng = np.random.default_rng(0)
        n_users, n_tracks = n // 50, n // 30
        rows = rng.integers(0, n_users, n)
        columns = (rng.pareto(1.1, n) * 300).astype(np.int64) % n_tracks
        counts = rng.integers(1, 20, n).astype(np.float32)
        matrix = scipy.sparse.csr_matrix((counts, (rows, columns)), shape=(n_users, n_tracks))
        users = IdMap((f"u{i}" for i in range(n_users)), noun="listener")
        given = Interactions(matrix, users, IdMap(f"t{i}" for i in range(n_tracks)))
        costs.append(cpu_of(lambda given=given: fit_factors(given, config=FactorsConfig())))
    return {"factors_cpu_s": slope(sizes, costs)}


def indexing():
    """A graph, and inverted lists, of as many dimensions as factors have."""
    from audiorec.embeddings import Embeddings
    from audiorec.index import IndexConfig, build_index

    costs = {"hnsw": [], "ivf": []}
    for n in VECTORS:
        given = Embeddings([f"t{i:07d}" for i in range(n)], clustered(n, 48, seed=1))
        for kind, cost in costs.items():
            build = partial(build_index, given, config=IndexConfig(kind=kind))
            cost.append(cpu_of(build))
    return {f"{kind}_cpu_s": slope(VECTORS, cost) for kind, cost in costs.items()}


def commits(tmp_path):
    """What a shard of spectrograms more costs for every shard that is there already."""
    from audiorec.audio import MelConfig
    from audiorec.mel import MelJob
    from audiorec.mel.compute import Shards, TrackMels
    from audiorec.worker_pool import Outcome

    config = MelConfig(sr=4000, n_fft=64, hop_length=64, n_mels=4, clip_seconds=1)
    mel = np.zeros((4, config.n_frames), dtype=np.float16)
    shards = Shards(tmp_path / "mels", config)
    took = []
    for n in range(SHARDS[1]):
        batch = [
            Outcome(MelJob(f"t{n:05d}", "file", "hash"), TrackMels([mel], np.zeros(4), [0.0]), None)
        ]
        took.append(cpu_of(lambda batch=batch: shards.add(batch, is_retry=False)))
    early, late = (float(np.median(took[n - 100 : n])) for n in SHARDS)
    return {"commit_cpu_s_per_shard": slope(SHARDS, (early, late))}


def duplicates():
    """Fingerprints that are compared; their words are drawn as from a language."""
    from audiorec.audio import Fingerprints
    from audiorec.audio.fingerprint import STEP_SECONDS
    from audiorec.mel import near_duplicates

    costs = []
    for n in PRINTS:
        words = np.random.default_rng(2).integers(1, 1 << 26, (n, 635), dtype=np.uint32)
        prints = Fingerprints(tuple(map(str, range(n))), words, STEP_SECONDS)
        costs.append(cpu_of(lambda prints=prints: near_duplicates(prints, seconds={})))
    return {"duplicates_cpu_s_per_track": slope(PRINTS, costs)}


def cpu_of(work):
    began = time.process_time()
    work()
    return time.process_time() - began


if os.environ.get("OMP_NUM_THREADS") is None:  # before numpy's threads are many
    os.environ.update(ONE_THREAD)
