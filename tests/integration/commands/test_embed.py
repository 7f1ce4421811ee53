"""The command ``embed``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.embeddings import unit_norm
from audiorec.factors import load_factors
from audiorec.recommend import Library, content_space
from audiorec.workspace import Workspace

from ..conftest import call


def test_a_new_track_is_placed_by_its_artists_others_too(workspace, world):
    place = Workspace(workspace)
    model = artifacts.load_manifest(place.model, kind="model")
    extra = model.extra | {"smoothing": {"k": 0.5}}
    artifacts.commit(
        place.model,
        kind="model",
        files=model.files,
        config=model.config,
        inputs=model.inputs,
        extra=extra,
    )
    for stage in ("embed", "index"):
        assert call("-w", workspace, stage).code == 0
    file = min(path for path in world.held_back.rglob("*") if path.is_file())
    (new,) = call("-w", workspace, "add", file).out.split()
    known = load_factors(place.factors).tracks
    with Catalog(place.catalog) as catalog:
        artists = catalog.artists()
        theirs = [i for i in known.ids if i in artists and artists[i] == artists[known.ids[0]]]
        catalog.upsert(replace(catalog.get(new), artist="Nobody Else"))
    mean = unit_norm(known.take(theirs).vectors).mean(axis=0)
    nearness = []
    for artist in ("Nobody Else", artists[theirs[0]].upper()):  # whatever the case
        with Catalog(place.catalog) as catalog:
            catalog.upsert(replace(catalog.get(new), artist=artist))
        assert "artists' names changed" in call("-w", workspace, "doctor").out
        assert call("-w", workspace, "index").code == 0  # which sees that a name has changed
        placed = Library(workspace).index.embeddings()[new]
        nearness.append(float(unit_norm(placed[None])[0] @ mean))
    alone = unit_norm(content_space(place)[new][None])[0] @ mean
    assert nearness[0] == pytest.approx(alone, abs=1e-5) and nearness[1] > alone + 0.1
    assert "up to date" in (again := call("-w", workspace, "index")).err + again.out
