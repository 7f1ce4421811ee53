"""A request that is saved as a recipe, and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiorec.exceptions import DataError
from audiorec.playlist import PlaylistRequest, load_recipe, save_recipe
from audiorec.playlist.recipe_files import MissingParameterError
from audiorec.recommend import TrackFilter

TEMPLATES = Path(__file__).parents[3] / "pipelines" / "playlists"


def test_a_request_comes_back_from_its_recipe(tmp_path):
    request = PlaylistRequest(
        seeds=("A - B", "C"), kind="path", minutes=30.0, diversity=0.25, shuffle=7,
        filters=TrackFilter(genre=("jazz",), year="1970-"),
    )  # fmt: skip
    file = save_recipe(tmp_path, "evening: one", request, format_="xspf")
    recipe = load_recipe(file)
    assert (recipe.request, recipe.name, recipe.format_) == (request, "evening: one", "xspf")
    for name in ("", "a/b", ".x", " x"):
        with pytest.raises(Exception, match="is not a recipe name"):
            save_recipe(tmp_path, name, request)


def test_a_brace_in_a_saved_name_is_no_parameter(tmp_path):
    request = PlaylistRequest(seeds=("{x} - {y}",), filters=TrackFilter(not_artist=("{z}",)))
    recipe = load_recipe(save_recipe(tmp_path, "a", request, title="{x}"))
    assert (recipe.request, recipe.title) == (request, "{x}")


def test_parameters_fill_in_and_a_missing_one_is_named(tmp_path):
    path = TEMPLATES / "path-between.toml"
    recipe = load_recipe(path, parameters={"from": "t000", "to": "t001"})
    assert recipe.request.seeds == ("t000", "t001") and recipe.title == "From t000 to t001"
    with pytest.raises(MissingParameterError, match="'from' has no value"):
        load_recipe(path)


def test_the_shuffle_of_a_week_stays_for_a_week():
    path = TEMPLATES / "weekly-discovery.toml"
    day = 86_400.0
    monday = 1_767_571_200.0  # 2026-01-05
    seeds = [load_recipe(path, now=monday + n * day).request.shuffle for n in (0, 6, 7)]
    assert seeds[0] == seeds[1] != seeds[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[playlist", "cannot be read"),
        ("[playlist]\nkind = 'polka'", "kind='polka' must be one of"),
        ("[playlist]\npolka = 1", "'polka' must be one of"),
        ("polka = 1", "'polka' must be one of"),
        ("[filters]\ngenre = ['a']\npolka = 1", "filter 'polka'"),
        ("format = 'mp3'\n[playlist]\nseeds = ['a']", "format='mp3'"),
        ("[playlist]\nseeds = ['a']\nlength = 'x'", "mend it"),
        ("clusters = -1\n[playlist]\nseeds = ['a']", "clusters=-1 must be a number of clusters"),
        ("path_map = 'a=b'\n[playlist]\nseeds = ['a']", "path_map='a=b' must be a list of OLD=NEW"),
        ("absolute = 1\n[playlist]\nseeds = ['a']", "absolute=1 must be true or false"),
        ("[playlist]\nseeds = ['a']\nshuffle = 'year'", "day or week"),
    ],
)
def test_recipes_that_cannot_be(tmp_path, text, message):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(DataError, match=message):
        load_recipe(tmp_path / "a.toml")
