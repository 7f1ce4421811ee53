"""What pages of a large library would wait for: counted once, and right."""

from __future__ import annotations

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import Track
from audiorec.mel import store as mel_store
from audiorec.serve import workspace_counts
from audiorec.serve.track_table import MOST_NEW, TrackTable, topmost

from .conftest import N_TRACKS


def slow_topmost(folders):
    from pathlib import Path

    own = {Path(folder) for folder in folders}
    return sorted(str(folder) for folder in own if not own & set(folder.parents))


def test_topmost_folders():
    assert topmost([]) == []
    assert topmost(["/"]) == ["/"] and topmost(["/", "/a/b"]) == ["/"]
    assert topmost(["/a/b", "/a-b/c", "/a", "/a/b/c"]) == ["/a-b/c", "/a"]
    rng = np.random.default_rng(0)
    names = ["a", "a b", "a-", "b", "a.b"]
    for _ in range(200):
        folders = ["/" + "/".join(rng.choice(names, rng.integers(1, 5))) for _ in range(12)]
        assert sorted(topmost(folders)) == slow_topmost(folders)


def test_newest_tracks():
    tracks = [Track(f"t{row:03d}", f"/m/{row}.wav") for row in range(200)]
    added = {track.track_id: row % 7 for row, track in enumerate(tracks)}
    table = TrackTable(tracks, added=added)
    expected = sorted(added, key=lambda id_: (-added[id_], id_))[:MOST_NEW]
    assert table.newest == expected


def put_mels(workspace, n_frames):
    """Spectrograms of one frame or more for every track."""
    kind = [("track_id", "U3"), ("clip_hash", "U6"), ("clip", "i4"), ("row", "i4"),
            ("n_frames", "i4"), ("start", "f8")]  # fmt: skip
    rows = [(f"t{row:02d}", f"hash{row}", 0, row, n_frames, 0.5) for row in range(N_TRACKS)]
    arrays = {
        "meta-00000": np.array(rows, dtype=kind),
        "shard-00000": np.zeros((N_TRACKS, 4, n_frames), dtype=np.float16),
    }
    config = mel_store.MelConfig().model_dump(mode="json")
    artifacts.save(workspace.mels, kind="mels", arrays=arrays, config=config, inputs={})


def test_views_open_spectrograms_once_until_they_are_replaced(client, workspace, monkeypatch):
    opened = []
    init = mel_store.MelStore.__init__

    def counted(self, directory):
        init(self, directory)
        opened.append(directory)

    monkeypatch.setattr(mel_store.MelStore, "__init__", counted)
    put_mels(workspace, 3)
    for row in range(4):
        assert 'data-starts="0.5"' in client.get(f"/track?id=t{row:02d}").text
        assert client.get(f"/api/v1/spectrogram?id=t{row:02d}").status_code == 200
    assert len(opened) == 1
    put_mels(workspace, 5)
    client.get("/track?id=t00")
    assert len(opened) == 2


def test_first_views_find_what_was_counted_ahead(client, monkeypatch):
    state = client.app.state.serve
    workspace_counts.count_ahead(state)

    def not_again(*args):
        raise AssertionError("counted in a view")

    monkeypatch.setattr("audiorec.data.catalog.tags.TagTable.counts", not_again)
    monkeypatch.setattr("audiorec.serve.workspace_counts.describe_workspace", not_again)
    for path in ("/", "/track?id=t03", "/library"):
        assert client.get(path).status_code == 200
