"""Alone nothing waits; what torchrun started is known by what it sets."""

import pytest
import torch

from audiorec.ranks import ALONE, Team, team

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "2",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "0",
    "LOCAL_WORLD_SIZE": "2",
}


def test_alone_everything_is_as_it_was():
    assert ALONE.first and ALONE.agree("x") == "x" and ALONE.gathered("x") == ["x"]
    part = torch.ones(3, 2)
    assert ALONE.whole(part, n=3) is part
    assert ALONE.share(7) == slice(0, 7)
    with ALONE.first_alone():
        pass


def test_who_torchrun_started(monkeypatch):
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    assert team() == ALONE
    for name, value in TORCHRUN.items():
        if name != "TORCHELASTIC_RUN_ID":
            monkeypatch.setenv(name, value)
    assert team() == ALONE, "a batch scheduler's variables are no order"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert team() == Team(2, 4, 0, 2) and not team().first


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 4, 7])
def test_shares_are_all_there_is_and_differ_by_one(n, size):
    shares = [range(n)[Team(rank, size).share(n)] for rank in range(size)]
    assert [i for share in shares for i in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
