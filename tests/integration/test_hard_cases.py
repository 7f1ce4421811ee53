"""Music and listening that nothing can be learned from: one clear line, and nothing lost."""

import csv
import shutil

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.factors import load_factors
from audiorec.factors.store import KIND

from .conftest import call
from .test_bad_input import failed, snapshot

MADE = ("factors", "model", "embeddings", "index", "mels", "plays")


def made(workspace):
    """What stages and imports have left, without the recipe, reports and kept scores."""
    return {name: content for name, content in snapshot(workspace).items() if name.startswith(MADE)}


def asked(recipe, tmp_path, **changes):
    """The recipe with lines added to its sections."""
    text = recipe.read_text()
    for section, line in changes.items():
        text = text.replace(f"[{section}]\n", f"[{section}]\n{line}\n")
    file = tmp_path / "asked.toml"
    file.write_text(text)
    return file


@pytest.fixture
def solo(workspace, world, tmp_path):
    """A workspace whose tracks are all one artist's."""
    with world.tracks_csv.open(newline="") as source:
        rows = list(csv.DictReader(source))
    for row in rows:
        row["artist"] = "Solo"
        row["path"] = str(world.tracks_csv.parent / row["path"])
    with (tmp_path / "solo.csv").open("w", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    answer = call("-w", workspace, "scan", "--manifest", tmp_path / "solo.csv")
    assert answer.code == 0, answer.err
    return workspace


def test_one_artist_holds_all_tracks(solo, recipe, tmp_path):
    before = made(solo)
    failed(
        call("-w", solo, "evaluate", "--system", "random"),
        "one artist, 'solo', holds all tracks",
        "split by track (track-cold)",
    )
    answer = call("-w", solo, "evaluate", "--split", "track-cold", "--recipe", recipe)
    assert answer.code == 0, answer.err
    assert (
        "cnn (from nothing) is left out: all 53 tracks are by 'solo', and training keeps whole "
        "artists aside" in answer.out
    )
    other = asked(recipe, tmp_path, train="learning_rate = 0.002")
    failed(call("-w", solo, "train", "--recipe", other), "all 53 tracks", "'solo'", "at least two")
    assert made(solo) == before


def test_a_page_that_cannot_be_written_is_told_before_anything_is_scored(workspace, tmp_path):
    shutil.rmtree(workspace / ".evaluation", ignore_errors=True)
    (tmp_path / "file").touch()
    page = tmp_path / "file" / "page.html"
    answer = call("-w", workspace, "evaluate", "--system", "random", "--report", page)
    failed(answer, page, "cannot be written", "check its permissions")
    assert not (workspace / ".evaluation").exists()


def test_a_split_with_no_cold_tracks(workspace, world, tmp_path):
    """Nothing was played first later than the rest: all were heard first on one day."""
    rows = [row.split(",")[:3] for row in world.plays_csv.read_text().splitlines()[1:]]
    plays = tmp_path / "plays.csv"
    lines = [",".join([*row, "1000000000"]) for row in rows]
    plays.write_text("\n".join(["user_id,track_id,plays,timestamp", *lines]))
    shutil.rmtree(workspace / "plays")
    assert call("-w", workspace, "plays", plays).code == 0
    before = made(workspace)
    ridge = ("--system", "mel statistics + ridge")
    answer = call("-w", workspace, "evaluate", "--split", "time-cold", *ridge)
    failed(answer, "time-cold", "1 day of first plays", "another split")
    assert made(workspace) == before


def test_a_listener_with_no_history(workspace, tmp_path, world):
    """One play is no history: the listener has no vector, and is told so."""
    track = world.plays_csv.read_text().splitlines()[1].split(",")[1]
    file = tmp_path / "new.csv"
    file.write_text(f"user_id,track_id,plays\nnewcomer,{track},1\n")
    assert call("-w", workspace, "plays", file).code == 0
    before = made(workspace)
    failed(call("-w", workspace, "recommend", "newcomer"), "newcomer")
    failed(call("-w", workspace, "recommend", "nobody at all"), "unknown listener")
    assert made(workspace) == before


def test_nobody_has_a_history(workspace, recipe, tmp_path):
    before = made(workspace)
    other = asked(recipe, tmp_path, factors="min_tracks_per_user = 1000")
    failed(call("-w", workspace, "factors", "--recipe", other), "1000")
    failed(call("-w", workspace, "evaluate", "--recipe", other, "--system", "random"), "no history")
    assert made(workspace) == before


def test_factors_with_nan(workspace, recipe, tmp_path):
    manifest = artifacts.load_manifest(workspace / "factors", kind=KIND)
    factors = load_factors(workspace / "factors")
    spoilt = np.array(factors.tracks.vectors)
    spoilt[3] = np.nan
    arrays = {
        "user_ids": np.array(factors.users.ids), "user_factors": factors.users.vectors,
        "track_ids": np.array(factors.tracks.ids), "track_factors": spoilt,
    }  # fmt: skip
    artifacts.save(
        workspace / "factors", kind=KIND, arrays=arrays, config=manifest.config,
        inputs=manifest.inputs, extra=manifest.extra,
    )  # fmt: skip
    before = made(workspace)
    other = asked(recipe, tmp_path, train="learning_rate = 0.002")
    named = repr(factors.tracks.ids[3])
    failed(call("-w", workspace, "train", "--recipe", other), named, "NaN")
    failed(call("-w", workspace, "index"), "other factors")
    assert made(workspace) == before


def test_a_diverging_loss(workspace, recipe, tmp_path):
    """Steps so large that the network's answers grow without bound."""
    wild = 'loss = "mse"\nlearning_rate = 10.0\nmixup = 0.0'
    other = asked(recipe, tmp_path, train=wild, model='encoder = "dieleman2014"')
    before = made(workspace)
    message = failed(call("-w", workspace, "train", "--recipe", other), "diverged", "10")
    assert "lower learning_rate=10" in message
    assert made(workspace) == before
