"""From the command line: suspects named and left out, kept by name; skips and ratings imported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.data.plays import load_plays
from audiorec.factors import load_factors
from audiorec.recommend import Library
from audiorec.workspace import Workspace

from .conftest import call
from .helpers import failed, snapshot

DAY = 86_400
KEPT = ("model", "embeddings")


@pytest.fixture
def spam(tmp_path) -> Path:
    """A flood of plays in a day, one track on repeat, and three listeners with one history."""
    rows = ["user_id,track_id,plays,timestamp"]
    rows += [f"flood,t{n % 40:06d},1,{1_700_000_000 + 10 * n}" for n in range(3000)]
    rows += [f"loop,t000001,900,{1_700_000_000 + n * DAY}" for n in range(4)]
    for bot in "abc":
        rows += [f"bot-{bot},t{n:06d},{n % 4 + 1},{1_700_000_000 + n * DAY}" for n in range(12)]
    file = tmp_path / "spam.csv"
    file.write_text("\n".join(rows))
    return file


def test_the_demo_world_has_no_suspects(finished) -> None:
    answer = call("-w", finished, "status", "--suspects")
    assert (answer.code, answer.out, answer.err.strip()) == (0, "", "no suspected bots")
    assert json.loads(call("-w", finished, "status", "--suspects", "--json").out)["left_out"] == 0


def test_suspects_are_left_out_counted_and_named(workspace, spam, tmp_path) -> None:
    before = snapshot(workspace)
    people = load_factors(Workspace(workspace).factors).users.ids
    assert call("-w", workspace, "plays", spam).code == 0
    stale = call("-w", workspace, "similar", "t000001", "--json")
    assert json.loads(stale.out)["stale"] and "plays are newer than the model" in stale.err
    names = tmp_path / "names.txt"
    names.write_text("t000001\nt000002\n")
    many = call("-w", workspace, "similar", "--batch", names)
    assert all(json.loads(line)["stale"] for line in many.out.splitlines())
    assert many.err.count("plays are newer than the model") == 1
    failed(call("-w", workspace, "recommend", "flood"), "plays are newer", "'audiorec run'")
    said = json.loads(call("-w", workspace, "status", "--json").out)["stale"]
    assert said["factors"] == "plays are newer: run 'audiorec run'" and "model" not in said
    answer = call("-w", workspace, "factors")
    assert answer.code == 0
    assert "left out 5 suspect listeners (1 daily, 3 identical, 1 repeat)" in answer.out
    assert "audiorec status --suspects" in answer.out
    assert load_factors(Workspace(workspace).factors).users.ids == people
    factors = {name: data for name, data in snapshot(workspace).items() if "factors.0" in name}
    assert all(before[name] == data for name, data in factors.items())
    named = call("-w", workspace, "status", "--suspects")
    lines = named.out.splitlines()
    assert [line.split()[0] for line in lines] == ["bot-a", "bot-b", "bot-c", "flood", "loop"]
    assert "bot-b  identical: the same 12 tracks, as often, as 2 other listeners, bot-a" in lines[1]
    assert lines[3].startswith("flood  daily: ") and " plays on 2023-11-1" in lines[3]
    assert lines[4] == "loop  repeat: 3600 of 3600 plays (100.0 %) are of track t000001"
    as_json = json.loads(call("-w", workspace, "status", "--suspects", "--json").out)
    assert as_json["left_out"] == 5 and len(as_json["suspects"]) == 5
    assert call("-w", workspace, "run").code == 0
    fresh = call("-w", workspace, "similar", "t000001", "--json")
    assert json.loads(fresh.out)["stale"] is False and "newer" not in fresh.err
    assert json.loads(call("-w", workspace, "status", "--json").out)["stale"] == {}
    failed(
        call("-w", workspace, "recommend", "flood"),
        "'flood' was left out as suspect", "plays on 2023-11",
        'keep = ["flood"] under [interactions]',
    )  # fmt: skip


def test_who_is_kept_is_learned_from(workspace, spam, recipe, tmp_path) -> None:
    assert call("-w", workspace, "plays", spam).code == 0
    keeping = tmp_path / "keeping.toml"
    keeping.write_text(recipe.read_text() + '[interactions]\nkeep = ["flood"]\nrules = ["daily"]\n')
    answer = call("-w", workspace, "factors", "--recipe", keeping)
    assert answer.code == 0 and "suspect" not in answer.out
    users = load_factors(Workspace(workspace).factors).users
    assert "flood" in users and "bot-a" in users
    assert call("-w", workspace, "status", "--suspects").out.rstrip().endswith("(kept)")
    assert "up to date" in call("-w", workspace, "factors").out
    stored = artifacts.load_manifest(Workspace(workspace).factors, kind="factors")
    for text, words in (
        ('keep = ["flod"]', ["[interactions] keep names 'flod'", "no plays"]),
        ('rules = ["weekly"]', ["rules", "'weekly'"]),
        ("keep = 0", ["keep=0"]),
    ):
        keeping.write_text(f"[interactions]\n{text}\n")
        failed(call("-w", workspace, "factors", "--recipe", keeping), *words)
    assert artifacts.load_manifest(Workspace(workspace).factors, kind="factors") == stored


def test_skips_and_ratings_are_imported_beside_old_plays(workspace, world, tmp_path) -> None:
    user = world.plays_csv.read_text().splitlines()[1].split(",")[0]
    before = load_factors(Workspace(workspace).factors).users[user].copy()
    file = tmp_path / "told.csv"
    rows = [f"{user},t{n:06d},0,{n % 2},{1 + n % 5}" for n in range(30)]
    file.write_text("user_id,track_id,plays,skipped,rating\n" + "\n".join(rows))
    failed(
        call("-w", workspace, "plays", file),
        "line 3: rating='2' is not from -1 to 1", "--neutral 3",
    )  # fmt: skip
    failed(call("-w", workspace, "plays", file, "--neutral", "9"), "neutral=9 must lie between")
    answer = call("-w", workspace, "plays", file, "--neutral", "3")
    assert answer.code == 0 and "15 rows with skips, 24 with likes or dislikes" in answer.out
    plays = load_plays(Workspace(workspace).plays)
    assert plays["rating"].drop_nulls().unique().sort().to_list() == [-1, -0.5, 0, 0.5, 1]
    assert call("-w", workspace, "run").code == 0
    after = load_factors(Workspace(workspace).factors).users[user]
    assert abs(after - before).max() > 1e-3
    recommended = json.loads(call("-w", workspace, "recommend", user, "--json").out)
    disliked = {f"t{n:06d}" for n in range(30) if 1 + n % 5 < 3}
    assert recommended and disliked.isdisjoint(hit["track_id"] for hit in recommended["results"])


def test_a_track_that_is_only_disliked_sinks_for_listeners_like_those(workspace, world, tmp_path):
    added = call("-w", workspace, "add", world.held_back).out.split()[0]
    place = Workspace(workspace)
    learned = [artifacts.load_manifest(place.root / kind, kind=kind) for kind in KEPT]
    users = load_factors(place.factors).users
    before = Library(workspace).index.embeddings()
    # Whom it would suit best: theirs is the evidence that says most.
    fans = np.argsort(-(users.vectors @ before[added]))[:60]
    against, alike = fans[::2], fans[1::2]
    file = tmp_path / "against.csv"
    rows = "".join(f"{users.ids[row]},{added},1,1,\n" for row in against[::2])
    rows += "".join(f"{users.ids[row]},{added},0,0,-1\n" for row in against[1::2])
    file.write_text("user_id,track_id,plays,skipped,rating\n" + rows)
    assert call("-w", workspace, "plays", file).code == 0
    assert call("-w", workspace, "run").code == 0
    # Nothing that is learned has changed: it is kept, not made again with what a kernel rounds.
    assert learned == [artifacts.load_manifest(place.root / kind, kind=kind) for kind in KEPT]
    after = Library(workspace).index.embeddings()
    known = load_factors(place.factors)
    assert added not in known.tracks and np.array_equal(known.users.vectors, users.vectors)
    others = [i for i in before.ids if i != added]
    assert np.array_equal(after.take(others).vectors, before.take(others).vectors)
    for listeners in (against, alike):
        was, became = (
            (users.vectors[listeners] @ served.vectors.T)
            .argsort()
            .argsort()[:, served.id_map.row(added)]
            for served in (before, after)
        )
        assert (became < was).mean() > 0.9
    named = json.loads(call("-w", workspace, "recommend", users.ids[against[0]], "--json").out)
    assert added not in [hit["track_id"] for hit in named["results"]]
