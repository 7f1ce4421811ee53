"""Seconds and memory per track as a library grows, from 1,000 vectors to a million.

`pytest -m benchmark -s`. ``BENCH_SIZES`` says which sizes, by default 1000,10000,100000,1000000.
What is measured are processes: `audiorec import embeddings` of as many made-up vectors, and
`audiorec similar` of one. The page has a plot of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from benching import contest, process
from made_up import clustered, write_vectors

SIZES = [
    int(size) for size in os.environ.get("BENCH_SIZES", "1000,10000,100000,1000000").split(",")
]
DIM = 128
AUDIOREC = Path(sys.executable).with_name("audiorec")


@pytest.mark.benchmark
@pytest.mark.parametrize("n", SIZES)
def test_time_and_memory(n, tmp_path):
    file = write_vectors(tmp_path / "vectors.parquet", clustered(n, DIM, seed=1))
    workspace = tmp_path / "ws"
    command = [AUDIOREC, "-w", workspace, "import", "embeddings", file, "--replace"]
    once = n > 100_000

    def build():
        done = process(command)
        return {
            "seconds": done["seconds"],
            "peak": done["peak"],
            "index": done["stdout"].split()[-1],
        }

    def ask():
        done = process([AUDIOREC, "-w", workspace, "similar", f"track-{n // 2:07d}"])
        return {"seconds": done["seconds"], "peak": done["peak"]}

    built = contest(
        f"scale-build-{n:07d}",
        f"Vectors to index, {n:,}",
        {"audiorec import embeddings": build},
        amount=n,
        unit="tracks",
        rounds=1 if once else 3,
        warm="no" if once else "yes",
    )
    asked = contest(
        f"scale-ask-{n:07d}",
        f"A question to {n:,} tracks",
        {"audiorec similar": ask},
        amount=1,
        unit="answers",
        rounds=7,
    )
    assert built.sides["audiorec import embeddings"].facts["peak"] < 400e6 + 5 * 4 * DIM * n
    assert asked.sides["audiorec similar"].facts["peak"] < 120e6 + 1.3 * 4 * DIM * n
