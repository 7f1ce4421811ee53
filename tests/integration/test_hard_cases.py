"""Music and listening that nothing can be learned from: one clear line, and nothing lost."""

import csv

import pytest

from .conftest import call
from .helpers import asked, failed, made


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


def test_nobody_has_a_history(workspace, recipe, tmp_path):
    before = made(workspace)
    other = asked(recipe, tmp_path, factors="min_tracks_per_user = 1000")
    failed(call("-w", workspace, "factors", "--recipe", other), "1000")
    failed(call("-w", workspace, "evaluate", "--recipe", other, "--system", "random"), "no history")
    assert made(workspace) == before
