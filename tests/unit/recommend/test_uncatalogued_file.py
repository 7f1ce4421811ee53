"""A file from outside lies where it would if it were added: by its sound and its artist."""

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.factors import ArtistSmoothing, Factors, save_factors, smooth_by_artist
from audiorec.recommend import UncataloguedFile
from audiorec.recommend.uncatalogued_file import with_artist_prior
from audiorec.workspace import Workspace

SMOOTHING = ArtistSmoothing(k=1.5)
ARTISTS = {"a": "Björk", "b": "BJÖRK ", "c": "Björk", "d": "Sade", "e": "", "f": "Various"}


@pytest.fixture
def made(tmp_path):
    """A workspace of six tracks, of which two by Björk and Sade's have listeners."""
    workspace = Workspace(tmp_path)
    rng = np.random.default_rng(0)
    tracks = rng.standard_normal((6, 4)).astype(np.float32)
    users = Embeddings(("u",), rng.standard_normal((1, 4)))
    played = Factors(users, Embeddings(("a", "b", "d"), rng.standard_normal((3, 4))))
    space = save_factors(workspace.factors, played)
    artifacts.save(
        workspace.model, kind="model", arrays={}, config={}, inputs={},
        extra={"smoothing": SMOOTHING._asdict()},
    )  # fmt: skip
    Embeddings(tuple(ARTISTS), tracks).save(workspace.embeddings, inputs={"factors": space.content})
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert([Track(i, f"/{i}.mp3", artist=name) for i, name in ARTISTS.items()])
        yield workspace, catalog, played.tracks, Embeddings(tuple(ARTISTS), tracks)


@pytest.mark.parametrize("artist", ["björk", "Sade"])
def test_as_if_it_were_added(made, artist):
    workspace, catalog, factors, sound = made
    vector = np.array([3, 0, 4, 0], dtype=np.float32)
    found = with_artist_prior(
        UncataloguedFile(None, vector, artist), workspace=workspace, catalog=catalog
    )
    with_it = Embeddings((*sound.ids, "new"), np.vstack([sound.vectors, vector]))
    expected = smooth_by_artist(
        with_it, factors=factors, artists={**catalog.artists(), "new": artist.casefold()},
        smoothing=SMOOTHING,
    )["new"]  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.abs(found - vector).max() > 0.1
    assert np.linalg.norm(found) == pytest.approx(5, rel=1e-6)


@pytest.mark.parametrize("artist", ["", "Nobody known", "various", "VARIOUS"])
def test_by_its_sound_alone_where_its_artist_has_no_tracks_or_is_nobody(made, artist):
    workspace, catalog, _, _ = made
    vector = np.ones(4, dtype=np.float32)
    found = with_artist_prior(
        UncataloguedFile(None, vector, artist), workspace=workspace, catalog=catalog
    )
    assert np.array_equal(found, vector)


def test_by_its_sound_alone_where_factors_are_newer_than_the_predictions_or_gone(made):
    workspace, catalog, factors, _ = made
    new = UncataloguedFile(None, np.ones(4, dtype=np.float32), "Björk")
    assert not np.array_equal(
        with_artist_prior(new, workspace=workspace, catalog=catalog), new.vector
    )
    others = Embeddings(factors.ids, -factors.vectors)
    save_factors(workspace.factors, Factors(Embeddings(("u",), np.ones((1, 4))), others))
    assert np.array_equal(with_artist_prior(new, workspace=workspace, catalog=catalog), new.vector)
    (workspace.factors / artifacts.MANIFEST).unlink()
    assert np.array_equal(with_artist_prior(new, workspace=workspace, catalog=catalog), new.vector)


def test_an_artists_tracks_however_the_name_is_written(made):
    _, catalog, _, _ = made
    assert catalog.by_artist("bjÖrk") == ["a", "b", "c"]
    assert catalog.by_artist("Sade") == ["d"]
    assert catalog.by_artist("Bj") == catalog.by_artist("") == catalog.by_artist(" ") == []
    catalog.upsert(Track("g", "/g.mp3", artist=" "))
    assert catalog.by_artist("") == catalog.by_artist(" ") == []
