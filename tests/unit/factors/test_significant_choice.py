from __future__ import annotations

import numpy as np

from audiorec.factors.significant_choice import significantly_better_choice


def test_what_is_surest_is_chosen_where_groups_agree():
    groups = [f"a{n // 2}" for n in range(20)]
    rng = np.random.default_rng(0)
    none = rng.normal(0.4, 0.1, 20)
    assert (
        significantly_better_choice({0.0: none, 0.5: none + 0.1}, groups=groups, default=0.0) == 0.5
    )
    assert (
        significantly_better_choice({0.0: none, 0.5: none - 0.1}, groups=groups, default=0.0) == 0.0
    )
    one_only = none - 0.01
    one_only[:2] += 0.5  # one artist of ten gains, which may be chance
    assert (
        significantly_better_choice({0.0: none, 0.5: one_only}, groups=groups, default=0.0) == 0.0
    )
    spread = np.repeat(np.tile([-3.0, 3.0], 5), 2)  # ten groups, whose mean has the error 1
    for errors, share in ((1.5, 0.0), (2.5, 0.5)):
        gain = (spread + errors) / 100
        assert (
            significantly_better_choice({0.0: none, 0.5: none + gain}, groups=groups, default=0.0)
            == share
        )
    assert (
        significantly_better_choice(
            {0.0: none[:2], 0.5: none[:2] + 0.1}, groups=groups[:2], default=0.0
        )
        == 0.0
    )


def test_the_best_of_forty_choices_is_rarely_taken_where_none_is_better() -> None:
    """Two standard errors, whatever the number of choices, were passed by chance in a fifth."""
    groups = [f"a{n}" for n in range(60)]
    taken = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shared = rng.normal(0, 1, (60, 6)) @ rng.normal(0, 1, (6, 40))  # alike, as settings are
        scores = {0: np.zeros(60)} | {n + 1: shared[:, n] + rng.normal(0, 2, 60) for n in range(40)}
        taken += significantly_better_choice(scores, groups=groups, default=0) != 0
    assert taken <= 10  # 2.5 % expected at most
