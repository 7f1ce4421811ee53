"""Intervals hold what they claim: a small simulation."""

from __future__ import annotations

from audiorec.studies.interval_coverage import simulate


def test_95_percent_hold_about_95_percent_and_listeners_within_hold_outs_far_less() -> None:
    found = simulate(60, n_users=120, n_artists=30, folds=3, seeds=2, n_truth=150)
    assert (found.two_way >= 0.88).all()  # 60 simulations: 95 % within 5.5 %
    assert found.two_way.mean() >= 0.92
    assert found.within_hold_outs.mean() < 0.75
