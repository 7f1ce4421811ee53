"""Intervals hold what they claim: a small simulation."""

from __future__ import annotations

from functools import partial

from audiorec.studies import interval_coverage
from audiorec.studies.interval_coverage import COLUMNS, simulate


def test_95_percent_hold_about_95_percent_and_listeners_within_hold_outs_far_less() -> None:
    found = simulate(60, n_users=120, n_artists=30, folds=3, seeds=2, n_truth=150)
    assert (found.two_way >= 0.88).all()  # 60 simulations: 95 % within 5.5 %
    assert found.two_way.mean() >= 0.92
    assert found.within_hold_outs.mean() < 0.75


def test_the_command_prints_the_coverage_of_each_figure(monkeypatch, capsys) -> None:
    small = partial(simulate, n_users=40, n_artists=12, folds=2, seeds=1, n_truth=10)
    monkeypatch.setattr(interval_coverage, "simulate", small)
    monkeypatch.setattr("sys.argv", ["interval_coverage", "4"])
    interval_coverage.main()
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line[:20].strip() for line in lines] == list(COLUMNS)
    shares = {share for line in lines for share in line[20:].split()}
    assert shares <= {"0.0%", "25.0%", "50.0%", "75.0%", "100.0%"}  # of four simulations
