"""Clusters of a library, as playlists are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.exceptions import NotFoundError
from audiorec.playlist.clusters import find_clusters
from audiorec.recommend import Library

from .conftest import make_workspace


def test_clusters_are_found_and_named(tmp_path):
    rng = np.random.default_rng(0)
    centres = np.eye(3).repeat(20, axis=0)[np.arange(60) // 20 * 20]
    vectors = centres + 0.05 * rng.standard_normal((60, 3))
    library = Library(make_workspace(tmp_path / "ws", vectors))
    clusters = find_clusters(library, 3)
    assert [cluster.n_tracks for cluster in clusters] == [20, 20, 20]
    assert len({int(cluster.centre[1:]) // 20 for cluster in clusters}) == 3


def test_clusters_of_a_sample_and_of_too_few(tmp_path, monkeypatch):
    """Of many tracks a sample tells; tracks that are all alike make fewer clusters."""
    vectors = np.eye(3).repeat(20, axis=0).astype(np.float32)
    library = Library(make_workspace(tmp_path / "ws", vectors))
    with pytest.raises(NotFoundError, match="61 clusters need as many tracks, and there are 60"):
        find_clusters(library, 61)
    monkeypatch.setattr("audiorec.playlist.clusters.SAMPLE", 30)
    assert sum(cluster.n_tracks for cluster in find_clusters(library, 5)) == 30
