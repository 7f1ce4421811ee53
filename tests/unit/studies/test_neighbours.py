"""Neighbours without listening, on a world in which it is known who is like whom."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.audio import MelConfig
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ArtifactError, DataError
from audiorec.index import IndexConfig, build_index
from audiorec.models import pretrained
from audiorec.pipeline import Recipe
from audiorec.studies import StudyInputs
from audiorec.studies.neighbours import CHANCE, _by_chance, hits_of, relations_of, run
from audiorec.workspace import Workspace

from ..planted import FakeStore
from ..stored_mels import store_mels

ARTIST, SONG, GENRE = 0, 1, 2


def world(*, n_artists=30, seed=0, twins=None):
    """Three tracks an artist; the first of artist 2n and of artist 2n + 1 are the same song.

    Genres are shared by three artists each. Features tell the artist, and a little of the genre.
    """
    rng = np.random.default_rng(seed)
    genres = rng.standard_normal((n_artists // 3, 12))
    tracks, features = {}, []
    for artist in range(n_artists):
        place = 3 * rng.standard_normal(12) + 2 * genres[artist // 3]
        for n in range(3):
            id_ = f"t{artist:02d}-{n}"
            title = f"Song {artist // 2}" if n == 0 else f"Title {id_}"
            genre = f"Pop/Rock; g{artist // 3}" if n == 9 else f"g{artist // 3}"
            tracks[id_] = Track(
                id_, f"/m/{id_}.mp3", artist=f"A{artist:02d}", title=title, genre=genre
            )
            features.append(place + 0.3 * rng.standard_normal(12))
    store = FakeStore({i: np.zeros((12, 40), np.float16) for i in tracks}, twins=twins or {})
    return relations_of(store, tracks), np.array(features, dtype=np.float32)


def asked(relations):
    return np.arange(len(relations.ids))


def test_a_space_that_tells_artists_is_known_by_it_and_chance_by_its_share():
    relations, features = world()
    hits = hits_of(features, relations, asked(relations))
    assert (~np.isnan(hits)).sum(axis=0).tolist() == [90, 30, 90]
    assert np.nanmean(hits[:, ARTIST]) > 0.95
    chance = np.stack([_by_chance(relations, row) for row in asked(relations)])
    # five drawn of 89, two of which are right; and one; and six of 87 by others share the genre
    expected = 1 - 87 * 86 * 85 * 84 * 83 / (89 * 88 * 87 * 86 * 85)
    assert np.nanmean(chance[:, ARTIST]) == pytest.approx(expected)
    assert np.nanmean(chance[:, SONG]) == pytest.approx(5 / 89)
    assert np.nanmean(chance[:, GENRE]) == pytest.approx(6 / 87)


def test_genre_is_asked_of_other_artists_alone():
    """Knowing each artist perfectly, and nothing else, is worth nothing."""
    relations, features = world()
    labels = np.eye(30, dtype=np.float32)[np.repeat(np.arange(30), 3)]
    told = labels + 0.01 * np.random.default_rng(0).standard_normal(labels.shape)
    hits = hits_of(told.astype(np.float32), relations, asked(relations))
    assert np.nanmean(hits[:, ARTIST]) == 1
    assert np.nanmean(hits[:, GENRE]) < 0.2
    assert np.nanmean(hits_of(features, relations, asked(relations))[:, GENRE]) > 0.2


def test_copies_are_no_neighbours():
    relations, features = world(twins={"t00-1": "t00-0", "t00-2": "t00-0"})
    hits = hits_of(features, relations, asked(relations))
    assert (~np.isnan(hits[:, ARTIST])).sum() == 87


def test_one_track_asked_alone_agrees_with_many():
    relations, features = world()
    many = hits_of(features, relations, asked(relations))
    for row in (0, 17):
        np.testing.assert_array_equal(hits_of(features, relations, np.array([row]))[0], many[row])


def test_hubs_are_corrected_as_the_index_corrects_them():
    relations, features = world()
    noise = np.random.default_rng(0).standard_normal(features.shape)
    unit = unit_norm((features / 4 + noise + 1).astype(np.float32))
    index = build_index(Embeddings(relations.ids, unit), config=IndexConfig(hubs="csls"))
    served = []
    for row, id_ in enumerate(relations.ids):
        (found,) = index.search(index.vector(id_), 6).ids
        nearest = [relations.ids.index(i) for i in found if i != id_][:5]
        served.append(relations.like(row)[ARTIST, nearest].any())
    hits, bare = (
        np.nan_to_num(hits_of(unit, relations, asked(relations), correct_hubs=correct)[:, ARTIST])
        for correct in (True, False)
    )
    np.testing.assert_array_equal(hits, served)
    assert (hits != bare).any()


def given_of(path, artists) -> StudyInputs:
    """A workspace of tracks by these artists, each in a band of their own."""
    config = MelConfig(n_mels=12, clip_seconds=1.0)
    workspace = Workspace(path)
    workspace.create()
    rng = np.random.default_rng(0)
    tracks, mels = [], {}
    for row, artist in enumerate(artists):
        tracks.append(
            Track(f"t{row:02d}", f"/m/{row}.mp3", artist, f"Title {row}", clip_hash=f"{row}")
        )
        mels[f"t{row:02d}"] = rng.normal(-60, 1, (12, config.frames(1.0)))
        mels[f"t{row:02d}"][artists.index(artist)] += 40
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(tracks)
    store_mels(workspace.mels, mels, config=config)
    return StudyInputs(workspace, Recipe(mel=config.model_dump(), train={"crop_seconds": 0.5}))


def test_the_study_finds_artists_in_the_spectrograms(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "is_fetched", lambda: False)
    given = given_of(tmp_path / "ws", [f"Artist {row % 8}" for row in range(24)])
    report = run(given)
    rows = {row["space"]: row for row in report.to_json()["rows"]}
    assert rows["mel statistics"]["same artist"] == 1
    assert rows[CHANCE]["same artist"] == pytest.approx(
        1 - 21 * 20 * 19 * 18 * 17 / (23 * 22 * 21 * 20 * 19)
    )
    assert rows["mel statistics"]["genre, by other artists"] is None
    text = report.to_text()
    assert "musicnn is left out: " in text and "The 5 nearest of 24 tracks" in text


def test_where_nobody_is_like_anybody_there_is_nothing_to_ask(tmp_path):
    given = given_of(tmp_path / "ws", [f"Artist {row}" for row in range(6)])
    with pytest.raises(DataError, match="of 6 tracks none has another by its artist"):
        run(given)
    with Catalog(given.workspace.catalog) as catalog:
        catalog.remove([f"t{row:02d}" for row in range(6)])
    with pytest.raises(ArtifactError, match="no track has mels to evaluate on"):
        run(given)
