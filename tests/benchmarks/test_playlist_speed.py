"""Playlists of every kind from 100,000 tracks, and their recipes: `pytest -m benchmark -s`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from benching import ONE_THREAD, contest, process
from made_up import clustered

from audiorec.data import import_plays
from audiorec.data.catalog import Catalog, Track, save_descriptors
from audiorec.embeddings import Embeddings
from audiorec.index import IndexConfig, build_index
from audiorec.playlist import PlaylistRequest, save_recipe
from audiorec.recommend import TrackFilter
from audiorec.workspace import Workspace

N, DIM, LENGTH = 100_000, 128, 50
MOST_SECONDS, MOST_REFRESH = 1.0, 10.0  # of a playlist, and of 20 recipes
GENRES = ("jazz", "rock", "deep house")
ONE = "track-0005000"
KINDS = {
    "near": {"seeds": (ONE, "track-0000700")},
    "continue": {"seeds": tuple(f"track-{n:07d}" for n in range(12))},
    "path": {"seeds": (ONE, "track-0090000")},
    "arc": {"seeds": (ONE,)},
    "radio": {"seeds": (ONE,)},
    "listener": {"users": ("me",)},
    "mix": {"users": ("me", "you", "u3")},
}
AUDIOREC = Path(sys.executable).with_name("audiorec")


def make_workspace(path: Path) -> Workspace:
    """100,000 tracks with names, genres, lengths, tempo, and 60 listeners' plays."""
    workspace = Workspace(path)
    workspace.create()
    rng = np.random.default_rng(0)
    ids = [f"track-{row:07d}" for row in range(N)]
    artists, seconds = rng.integers(0, N // 12, N), rng.uniform(90, 420, N).round(1)
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(
                id_, f"/m/{row}.mp3", f"Artist {artists[row]}", f"Title {row}",
                album=f"Album {artists[row]} {row % 3}", year=1960 + row % 60,
                genre=GENRES[row % 3], clip_hash=str(row), duration=float(seconds[row]),
            )
            for row, id_ in enumerate(ids)
        )  # fmt: skip
    embeddings = Embeddings(ids, clustered(N, DIM, seed=1))
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind="exact"))
    index.save(workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "sound"})
    users = ["me", "you", *(f"u{n}" for n in range(58))]
    rows = [
        (user, ids[track], 1.0 + track % 4, 1_700_000_000 + 60 * n)
        for user in users
        for n, track in enumerate(rng.choice(N, 2_000, replace=False).tolist())
    ]
    schema = ["user_id", "track_id", "plays", "timestamp"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(path.parent / "plays.csv")
    import_plays(workspace.plays, path.parent / "plays.csv")
    values = np.stack(
        [
            rng.uniform(60, 180, N), rng.integers(0, 24, N), rng.normal(-14, 3, N),
            rng.uniform(500, 4000, N), rng.normal(0, 3, N),
        ],
        axis=1,
    ).astype(np.float32)  # fmt: skip
    save_descriptors(workspace.descriptors, {i: (str(n), values[n]) for n, i in enumerate(ids)})
    for number in range(20):
        kind = list(KINDS)[number % len(KINDS)]
        filters = TrackFilter(genre=("jazz",)) if number % 2 else TrackFilter()
        request = PlaylistRequest(kind=kind, length=LENGTH, filters=filters, **KINDS[kind])
        save_recipe(workspace.recipes, f"{number:02d} {kind}", request)
    return workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("playlists") / "ws")


def seconds_of(workspace: Workspace, kind: str, *, filtered: bool) -> dict[str, object]:
    """Seconds from an open index to the playlist, in a process of its own."""
    code = (
        "import time\nfrom pathlib import Path\n"
        "from audiorec.playlist import PlaylistRequest, build_playlist\n"
        "from audiorec.recommend import TrackFilter\n"
        "from audiorec.recommend import Library\n"
        f"library = Library(Path({str(workspace.root)!r}))\nlen(library.index)\n"
        f"filters = TrackFilter(genre=('jazz',), year='1970-') if {filtered} else TrackFilter()\n"
        f"request = PlaylistRequest(kind={kind!r}, length={LENGTH}, filters=filters, "
        f"**{KINDS[kind]!r})\n"
        "began = time.perf_counter()\nmade = build_playlist(library, request)\n"
        f"print(time.perf_counter() - began)\nassert len(made.entries) == {LENGTH}\n"
    )
    done = process([sys.executable, "-c", code], env=ONE_THREAD)
    return {"seconds": float(str(done["stdout"])), "peak": done["peak"]}


@pytest.mark.benchmark
@pytest.mark.parametrize("filtered", [False, True], ids=["any track", "of a genre and years"])
def test_a_playlist_of_any_kind(workspace, filtered):
    result = contest(
        f"playlist-{'filtered' if filtered else 'any'}",
        f"A playlist of {LENGTH} from {N:,} tracks of {DIM} dimensions"
        f"{', of a genre from a year on' if filtered else ''}: an open index to the list",
        {
            kind: lambda kind=kind: seconds_of(workspace, kind, filtered=filtered)  # type: ignore[misc]
            for kind in KINDS
        },
        amount=1,
        unit="playlists",
        rounds=3,
    )
    assert max(side.median for side in result.sides.values()) <= MOST_SECONDS


@pytest.mark.benchmark
def test_twenty_recipes(workspace, tmp_path):
    def refresh():
        command = [AUDIOREC, "-w", workspace.root, "playlists", "refresh", "-o", tmp_path]
        return process(command, env=ONE_THREAD)

    result = contest(
        "playlists-refresh",
        f"`audiorec playlists refresh`, 20 recipes of {LENGTH} from {N:,} tracks, the process",
        {"refresh": refresh},
        amount=20,
        unit="playlists",
        rounds=3,
    )
    assert len(list(tmp_path.glob("*.m3u8"))) == 20
    assert result.sides["refresh"].median <= MOST_REFRESH
