"""Sessions at the size of a service: training, a process's answer, neighbours once open.

``pytest -m benchmark -s tests/benchmarks/test_sessions_speed.py``: 1,000,000 plays in 100,000
sessions of 50,000 tracks, some minutes of both cores.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from benching import contest, process

from audiorec.sessions import SessionRecommender, SessionTrack
from audiorec.workspace import Workspace

N_SESSIONS, LENGTH, N_TRACKS = 100_000, 10, 50_000
N_SCENES = 500  # of tracks that are played after each other
STRAYING = 0.1  # share of plays of any track at all
DAYS = 90
TRAINING_SECONDS = 900
CEILING = 1.6  # times the bare imports
NEIGHBOUR_SECONDS = 0.005
ROUNDS = 11
AUDIOREC = Path(sys.executable).with_name("audiorec")
BARE = [sys.executable, "-c", "import faiss, numpy"]


def write_sessions(file: Path) -> Path:
    """Walks through scenes of tracks, the first of each scene the most played, as CSV."""
    rng = np.random.default_rng(0)
    size = N_TRACKS // N_SCENES
    scenes = rng.zipf(1.3, N_SESSIONS) % N_SCENES
    places = rng.zipf(1.2, (N_SESSIONS, LENGTH)) + np.arange(LENGTH)
    tracks = scenes[:, None] * size + places % size
    strays = rng.random(tracks.shape) < STRAYING
    tracks[strays] = rng.integers(N_TRACKS, size=int(strays.sum()))
    tracks[:: N_SESSIONS // N_TRACKS, 0] = np.arange(N_TRACKS)  # each at least once
    starts = 1_700_000_000 + np.sort(rng.integers(DAYS * 86_400, size=N_SESSIONS))
    times = starts[:, None] + 200 * np.arange(LENGTH)
    with file.open("w") as out:
        out.write("user_id,track_id,timestamp,session_id\n")
        for number, (row, at) in enumerate(zip(tracks.tolist(), times.tolist(), strict=True)):
            out.writelines(
                f"u{number % 20_000},t{track:05d},{when},s{number}\n"
                for track, when in zip(row, at, strict=True)
            )
    return file


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions")
    plays = write_sessions(folder / "plays.csv")
    process([AUDIOREC, "-w", folder / "ws", "plays", plays])
    done = process([AUDIOREC, "-w", folder / "ws", "sessions"])
    print(f"\ntraining: {done['seconds']:.0f} s, {done['cpu']:.0f} s of processors")
    assert done["seconds"] < TRAINING_SECONDS
    return folder / "ws"


@pytest.mark.benchmark
def test_next_takes_little_more_than_its_imports(workspace):
    result = contest(
        "next",
        f"`audiorec next` after 3 tracks, {N_SESSIONS:,} sessions of {N_TRACKS:,} tracks, process "
        "start to answer",
        {
            "next": lambda: process(
                [AUDIOREC, "-w", workspace, "next", "t00010", "t00011", "t00013", "--json"]
            ),
            "import faiss, numpy": lambda: process(BARE),
        },
        amount=1,
        unit="answers",
        rounds=ROUNDS,
    )
    assert np.median(result.ratio("import faiss, numpy")) < CEILING


@pytest.mark.benchmark
@pytest.mark.parametrize("model", ["vsknn", "rules", "gru4rec"])
def test_an_answer_once_open(workspace, model):
    opened = SessionRecommender(Workspace(workspace))
    rng = np.random.default_rng(1)
    sessions = [
        [SessionTrack(f"t{scene * 100 + place:05d}") for place in rng.integers(20, size=4)]
        for scene in rng.integers(50, size=60)
    ]
    opened.rank(sessions[0], model=model)
    took = []
    for session in sessions:
        start = time.perf_counter()
        list(zip(range(10), opened.rank(session, model=model).best(), strict=False))
        took.append(time.perf_counter() - start)
    print(f"\n{model}: {1e3 * np.median(took):.2f} ms, 95th {1e3 * np.quantile(took, 0.95):.2f}")
    if model != "gru4rec":
        assert np.median(took) < NEIGHBOUR_SECONDS
