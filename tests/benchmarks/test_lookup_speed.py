"""From the start of a process to the answer, on 100,000 tracks: `pytest -m benchmark -s`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from benching import ONE_THREAD, contest, process
from made_up import clustered, write_names, write_vectors

N, DIM = 100_000, 128
ROUNDS = 11
CEILING = 1.6  # times the bare imports
MEMORY = 1.3  # times the vectors
AUDIOREC = Path(sys.executable).with_name("audiorec")
BARE = [sys.executable, "-c", "import faiss, numpy"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lookup")
    vectors = write_vectors(folder / "vectors.parquet", clustered(N, DIM, seed=1))
    tracks = write_names(folder / "tracks.csv", N)
    process([AUDIOREC, "-w", folder / "ws", "import", "embeddings", vectors, "--tracks", tracks])
    return folder / "ws"


def ask(workspace, *words, stdin=b""):
    return process([AUDIOREC, "-w", workspace, "similar", *words, "--json"], stdin=stdin)


@pytest.mark.benchmark
def test_a_question_takes_little_more_than_its_imports(workspace):
    line = Path(workspace.parent / "tracks.csv").read_text(encoding="utf-8").splitlines()[5001]
    _, artist, title = line.split(",")
    name = f"{artist} - {title}"
    result = contest(
        "lookup",
        f"`audiorec similar` on {N:,} tracks of {DIM} dimensions, process start to answer",
        {
            "by id": lambda: ask(workspace, "track-0005000"),
            "import faiss, numpy": lambda: process(BARE),
            "import numpy": lambda: process([sys.executable, "-c", "import numpy"]),
            "by name": lambda: ask(workspace, name),
            "by misspelt name": lambda: ask(workspace, name[:3] + name[4:]),
        },
        amount=1,
        unit="answers",
        rounds=ROUNDS,
    )
    assert np.median(result.ratio("import faiss, numpy")) < CEILING
    assert result.sides["by id"].facts["peak"] < MEMORY * (4 * N * DIM) + 40e6  # and Python's own


@pytest.mark.benchmark
def test_a_batch_is_answered_in_one_process(workspace):
    import faiss

    names = [f"track-{number:07d}" for number in range(0, N, N // 2000)]
    vectors = clustered(N, DIM, seed=1)
    faiss.normalize_L2(vectors)

    def flat():
        index = faiss.IndexFlatIP(DIM)
        index.add(vectors)
        for row in range(0, N, N // 2000):
            index.search(vectors[row : row + 1], 11)

    result = contest(
        "lookup-batch",
        f"{len(names):,} questions to {N:,} tracks",
        {
            "similar --batch, the process": lambda: ask(
                workspace, "--batch", "-", stdin="\n".join(names).encode()
            ),
            "IndexFlatIP, one after the other": flat,
        },
        amount=len(names),
        unit="answers",
        rounds=3,
    )
    assert result.sides["similar --batch, the process"].facts["stdout"].count("\n") == len(names)


@pytest.mark.benchmark
def test_a_long_lived_library(workspace):
    """Microseconds per question, once the process runs; one thread."""
    code = (
        "import json, sys, time\nfrom pathlib import Path\nfrom audiorec.recommend import Library\n"
        f"library = Library(Path({str(workspace)!r}))\n"
        "names = [f'track-{n:07d}' for n in range(0, 100_000, 500)]\n"
        "library.similar(names[:1])\nbegan = time.perf_counter()\n"
        "for name in names: library.similar([name])\n"
        "print(time.perf_counter() - began)"
    )

    def answers():
        done = process([sys.executable, "-c", code], env=ONE_THREAD)
        return {"seconds": float(done["stdout"]), "peak": done["peak"]}

    result = contest(
        "lookup-open",
        f"200 questions to a library of {N:,} tracks that is open, one thread",
        {"Library.similar": answers},
        amount=200,
        unit="answers",
        rounds=3,
    )
    assert result.sides["Library.similar"].median < 20
