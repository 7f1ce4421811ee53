"""Alone nothing waits; what torchrun started is known by what it sets."""

import pytest

from audiorec.distributed import ALONE, Processes, process_group

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "2",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "0",
    "LOCAL_WORLD_SIZE": "2",
}


def test_alone_everything_is_as_it_was():
    assert ALONE.first and ALONE.broadcast("x") == "x" and ALONE.all_gather("x") == ["x"]
    assert ALONE.share(7) == slice(0, 7)
    with ALONE.rank_zero_first():
        pass


def test_who_torchrun_started(monkeypatch):
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    assert process_group() == ALONE
    for name, value in TORCHRUN.items():
        if name != "TORCHELASTIC_RUN_ID":
            monkeypatch.setenv(name, value)
    assert process_group() == ALONE, "a batch scheduler's variables are no order"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert process_group() == Processes(2, 4, 0, 2) and not process_group().first


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 4, 7])
def test_shares_are_all_there_is_and_differ_by_one(n, size):
    shares = [range(n)[Processes(rank, size).share(n)] for rank in range(size)]
    assert [i for share in shares for i in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
