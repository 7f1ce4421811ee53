"""The Taste Profile's triplets, made up in its exact format, to a matrix: `pytest -m benchmark -s`.

`python tests/benchmarks/test_triplets_speed.py FOLDER ROWS` makes the file alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from benching import RESULTS, machine, process

ROWS = 50_000_000  # the original has 48,373,586 of 1,019,318 listeners and 384,546 songs
ROWS_PER_USER = 47.5
N_SONGS = 384_546
CHUNK = 2_000_000
MOST_SECONDS, MOST_BYTES = 180.0, 6e9
LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
TO_MATRIX = """
import sys
from pathlib import Path
from audiorec.pipeline.factors import enough_interactions, filtered_plays
from audiorec.pipeline.recipe import Recipe
from audiorec.workspace import Workspace
recipe = Recipe(factors={"min_tracks_per_user": 1, "min_users_per_track": 1})
plays, _ = filtered_plays(Workspace(Path(sys.argv[1])), recipe)
matrix = enough_interactions(plays, recipe).user_items
print(matrix.shape[0], matrix.shape[1], matrix.nnz, int(matrix.sum(dtype="f8")))
"""


def make_triplets(folder: Path, n_rows: int, *, seed: int = 0) -> tuple[int, int, int]:
    """Write ``train_triplets.txt``; return its listeners, songs and plays."""
    rng = np.random.default_rng(seed)
    names = rng.choice(LETTERS, (N_SONGS, 16)).view("U16")[:, 0]
    songs = pl.Series("song", names).unique(maintain_order=True)
    songs = "SO" + songs
    weights = 1 / (np.arange(len(songs)) + 50.0)
    edges = np.cumsum(weights / weights.sum())
    heard = np.zeros(len(songs), dtype=bool)
    n_users = n_plays = written = 0
    with (folder / "train_triplets.txt").open("wb") as out:
        while written < n_rows:
            n = min(CHUNK, n_rows - written)
            lengths = np.clip(rng.lognormal(3.3, 1.0, max(1, int(n / ROWS_PER_USER))), 10, 2000)
            lengths = np.maximum(1, np.round(lengths / lengths.sum() * n)).astype(np.int64)
            user = np.repeat(np.arange(len(lengths)), lengths)[:n]
            song = np.searchsorted(edges, rng.random(len(user))).clip(max=len(songs) - 1)
            pairs = np.unique(user * len(songs) + song)  # a listener and a song stand once
            user, song = pairs // len(songs), pairs % len(songs)
            counts = np.minimum(rng.geometric(0.35, len(user)), 500)
            digits = rng.integers(0, 1 << 32, (len(lengths), 5), dtype=np.uint64)
            ids = pl.Series(["".join(f"{part:08x}" for part in row) for row in digits.tolist()])
            frame = pl.DataFrame({"user": ids.gather(user), "song": songs.gather(song)})
            frame.with_columns(plays=pl.Series(counts)).write_csv(
                out, separator="\t", include_header=False
            )
            heard[song] = True
            n_users += len(np.unique(user))
            n_plays += int(counts.sum())
            written += len(user)
    return n_users, int(heard.sum()), n_plays


@pytest.mark.benchmark
@pytest.mark.parametrize("n_rows", [1_000_000, ROWS])
def test_triplets_become_a_matrix(tmp_path, n_rows):
    users, songs, plays = make_triplets(tmp_path, n_rows)
    steps = {
        "import": ["-m", "audiorec", "-w", tmp_path / "w", "dataset", "msd", tmp_path, "--json"],
        "matrix": ["-c", TO_MATRIX, tmp_path / "w"],
        "again": ["-m", "audiorec", "-w", tmp_path / "w", "dataset", "msd", tmp_path, "--json"],
    }
    measured = {}
    for name, words in steps.items():
        measured[name] = process([sys.executable, *words])
    told = {"rows": n_rows, "machine": machine(("polars",)), "steps": measured}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"triplets-{n_rows}.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(measured, indent=1), file=sys.stderr)
    assert measured["matrix"]["stdout"].split() == [str(n) for n in (users, songs, n_rows, plays)]
    again = json.loads(measured["again"]["stdout"])
    assert again["replaced"] == again["rows"], "the same file is not counted twice"
    assert measured["import"]["seconds"] + measured["matrix"]["seconds"] < MOST_SECONDS
    assert all(one["peak"] < MOST_BYTES for one in measured.values())


if __name__ == "__main__":
    print(make_triplets(Path(sys.argv[1]), int(sys.argv[2])))
