"""HetRec 2011: recall of the factors on a set of listeners with three known tastes."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from audiorec.exceptions import DataError
from audiorec.studies import hetrec

N_LISTENERS, N_TASTES, PER_TASTE, PLAYED = 60, 3, 15, 12


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    """The set's tables, in which listeners play artists of one of three tastes alone."""
    folder = tmp_path_factory.mktemp("hetrec")
    artists = [f"{n}\tArtist {n}\turl\tpicture" for n in range(N_TASTES * PER_TASTE)]
    (folder / "artists.dat").write_text("\n".join(["id\tname\turl\tpictureURL", *artists]))
    rng = np.random.default_rng(0)
    rows = ["userID\tartistID\tweight"]
    for user in range(N_LISTENERS):
        played = rng.permutation(PER_TASTE)[:PLAYED] + PER_TASTE * (user % N_TASTES)
        rows += [f"{user}\t{artist}\t{rng.integers(1, 500)}" for artist in played]
    (folder / "user_artists.dat").write_text("\n".join(rows))
    return folder


def test_the_set_is_read_as_counts_of_listeners_and_artists(directory):
    whole = hetrec.read_hetrec(directory)
    assert whole.user_items.shape == (N_LISTENERS, N_TASTES * PER_TASTE)
    assert whole.user_items.nnz == N_LISTENERS * PLAYED


def test_a_folder_of_something_else_is_one_clear_error(tmp_path):
    with pytest.raises(DataError, match=r"user_artists\.dat"):
        hetrec.read_hetrec(tmp_path)


def test_a_fifth_of_each_listeners_artists_is_held_out_and_learned_from_by_nobody():
    counts = np.ones((4, 30))
    counts[0, 10:] = counts[1, 3:] = 0  # 10 and 3 artists
    user_items = scipy.sparse.csr_matrix(counts)
    train, held_out = hetrec.split_pairs(user_items, seed=0)
    assert held_out.sum(axis=1).tolist() == [2, 1, 6, 6]
    np.testing.assert_array_equal(train.toarray() + held_out, counts)
    assert user_items.nnz == 73  # the argument stays as it is
    assert (hetrec.split_pairs(user_items, seed=1)[1] != held_out).any()


def test_recall_is_of_the_artists_that_were_not_learned_from():
    held_out = np.zeros((2, 30), dtype=bool)
    held_out[0, :4] = held_out[1, [0, 29]] = True
    train = np.zeros((2, 30))
    train[0, 4:9] = 1  # would come first
    scores = np.stack([-np.abs(np.arange(30) - 4.2), -np.arange(30.0)])
    train[0, 9:] = 1
    found = hetrec.recall_of(np.eye(2), scores.T, scipy.sparse.csr_matrix(train), held_out)
    assert found.tolist() == [1.0, 0.5]


def test_the_command_finds_planted_tastes_by_every_model(directory, monkeypatch, capsys):
    recipe = directory / "recipe.toml"
    recipe.write_text("[factors]\nfactors = 4\nregularization = 1.0\n")
    monkeypatch.setattr(sys, "argv", ["hetrec", str(directory), "--recipe", str(recipe)])
    runpy.run_path(hetrec.__file__, run_name="__main__")
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "recall@10, 20% of each listener's artists held out, 3 splits"
    ahead = r"  audiorec ahead by \[[+-]0\.0\d{3} \.\. [+-]0\.0\d{3}\]"
    for name, said in (("audiorec", ""), ("implicit, counts", ahead), ("implicit, bm25", ahead)):
        # 2 are held out, and no more than 5 of a taste are not learned from.
        assert re.fullmatch(rf"{name} +(0\.9[5-9]\d\d|1\.0000){said}", lines.pop(0))
    assert not lines
