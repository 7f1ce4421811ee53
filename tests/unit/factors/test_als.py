"""Factors from plays: equal to a readable half-step, repeatable, and finding a planted taste."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from audiorec import artifacts
from audiorec.data.plays import Interactions
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, DataError, ParameterError
from audiorec.factors import (
    Factors,
    FactorsConfig,
    als,
    confidence,
    fit_factors,
    load_factors,
    save_factors,
)
from audiorec.factors.config import EPSILON, ITERATIONS
from audiorec.id_map import IdMap

from .conftest import N_TASTES, slow_half_step


@pytest.fixture(scope="module")
def fitted(plays, config) -> Factors:
    return fit_factors(plays, config=config)


def slow_loss(plays, factors, config):
    """The objective, term by term (van den Oord et al. 2013, equation 3)."""
    r = plays.user_items.toarray().astype(np.float64)
    c = 1 + config.alpha * np.log(1 + r / EPSILON)
    x, y = (side.vectors.astype(np.float64) for side in (factors.users, factors.tracks))
    error = (c * ((r > 0) - x @ y.T) ** 2).sum()
    return error + config.regularization * ((x**2).sum() + (y**2).sum())


@given(st.floats(0, 1e9), st.floats(0.01, 100), st.floats(1e-8, 10))
def test_confidence_is_one_without_plays_and_never_less(plays, alpha, epsilon):
    value = confidence(np.array([plays, 0.0]), alpha=alpha, epsilon=epsilon)
    assert value[1] == 1
    assert value[0] >= 1
    assert value[0] == pytest.approx(1 + alpha * np.log(1 + plays / epsilon), rel=1e-9)


def test_tracks_are_the_exact_half_step_from_the_listeners(plays, config, fitted):
    y = fitted.users.vectors.astype(np.float64)
    slow = slow_half_step(plays.user_items.toarray().T.astype(np.float64), y, config)
    assert np.abs(fitted.tracks.vectors - slow).max() < 2e-4 * np.abs(slow).max()


def test_alternating_readable_half_steps_reach_the_same_objective(plays, config):
    fast = slow_loss(plays, fit_factors(plays, config=config, iterations=60), config)
    r = plays.user_items.toarray().astype(np.float64)
    tracks = np.random.default_rng(1).random((r.shape[1], config.factors)) * 0.01
    for _ in range(60):
        users = slow_half_step(r, tracks, config)
        tracks = slow_half_step(r.T, users, config)
    slow = slow_loss(
        plays,
        Factors(Embeddings(plays.users.ids, users), Embeddings(plays.tracks.ids, tracks)),
        config,
    )
    assert fast == pytest.approx(slow, rel=0.02)


@pytest.mark.parametrize("exact_factors", [128, 0], ids=["exact", "conjugate gradients"])
def test_hardly_any_regularization_is_reached(plays, config, exact_factors, monkeypatch):
    """The settings of pipelines/paper2013.toml: three conjugate gradients end at 1.4 times this."""
    monkeypatch.setattr(als, "EXACT_FACTORS", exact_factors)
    bare = FactorsConfig(**{**config.model_dump(), "factors": 20, "regularization": 1e-5})
    r = plays.user_items.toarray().astype(np.float64)
    tracks = np.random.default_rng(1).random((r.shape[1], bare.factors)) * 0.01
    for _ in range(ITERATIONS):
        users = slow_half_step(r, tracks, bare)
        tracks = slow_half_step(r.T, users, bare)
    tracks = slow_half_step(r.T, users, bare)
    exact = Factors(Embeddings(plays.users.ids, users), Embeddings(plays.tracks.ids, tracks))
    found = fit_factors(plays, config=bare)
    assert slow_loss(plays, found, bare) < 1.05 * slow_loss(plays, exact, bare)


def test_undetermined_factors_say_what_to_raise(plays, config):
    bare = FactorsConfig(**{**config.model_dump(), "factors": 90, "regularization": 0.0})
    with pytest.raises(DataError, match="regularization=0 leaves 90 factors .* raise") as caught:
        fit_factors(plays, config=bare)
    assert "\n" not in str(caught.value)


def test_planted_taste_is_found(fitted, plays):
    scores = fitted.users.vectors @ fitted.tracks.vectors.T
    alike = (
        np.arange(len(plays.users))[:, None] % N_TASTES
        == np.arange(len(plays.tracks))[None] % N_TASTES
    )
    unheard = plays.user_items.toarray() == 0
    assert scores[alike & unheard].mean() > 5 * abs(scores[~alike & unheard].mean())


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(plays, config, fitted):
    again = fit_factors(plays, config=config)
    assert again.users.vectors.tobytes() == fitted.users.vectors.tobytes()
    assert again.tracks.vectors.tobytes() == fitted.tracks.vectors.tobytes()
    other = fit_factors(plays, config=config, seed=4)
    assert other.tracks.vectors.tobytes() != fitted.tracks.vectors.tobytes()


def test_another_process_with_another_number_of_threads_gives_the_same_bytes(tmp_path):
    script = tmp_path / "fit.py"
    script.write_text(
        textwrap.dedent("""
        import hashlib
        import numpy as np, scipy.sparse
        from audiorec.factors.config import FactorsConfig
        from audiorec.data.plays.interactions import Interactions
        from audiorec.factors import fit_factors
        from audiorec.id_map import IdMap
        counts = np.random.default_rng(0).poisson(0.2, size=(200, 80)).astype(np.float32)
        plays = Interactions(
            scipy.sparse.csr_matrix(counts), IdMap(map(str, range(200))), IdMap(map(str, range(80)))
        )
        factors = fit_factors(plays, config=FactorsConfig(factors=16))
        both = factors.users.vectors.tobytes() + factors.tracks.vectors.tobytes()
        print(hashlib.sha256(both).hexdigest())
        """)
    )
    digests = {
        subprocess.run(
            [sys.executable, "-W", "error::RuntimeWarning", str(script)],
            env={"OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads, "PATH": "/usr/bin"},
            capture_output=True, text=True, check=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1 and len(digests.pop()) == 65


def test_no_warning_nothing_printed_and_blas_as_before(plays, config, capfd, monkeypatch):
    import implicit.utils
    from threadpoolctl import threadpool_info

    monkeypatch.setattr(implicit.utils, "_checked_blas_config", False)
    before = [(pool["internal_api"], pool["num_threads"]) for pool in threadpool_info()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_factors(plays, config=config)
    assert capfd.readouterr() == ("", "")
    after = [(pool["internal_api"], pool["num_threads"]) for pool in threadpool_info()]
    assert after[: len(before)] == before


def test_arguments_stay_as_they_are(plays, config):
    data = plays.user_items.data.copy()
    fit_factors(plays, config=config)
    assert np.array_equal(plays.user_items.data, data)


def test_progress_tells_of_every_sweep(plays, config):
    told = []
    fit_factors(plays, config=config, iterations=10, progress=lambda *args, **_: told.append(args))
    assert told == [("factors", sweep, 10) for sweep in range(1, 11)]


def test_without_plays_a_vector_is_zero_and_without_any_it_is_an_error(plays, config):
    some = plays.user_items.tolil()
    some[5] = 0
    some[:, 7] = 0
    matrix = some.tocsr()
    matrix.eliminate_zeros()
    factors = fit_factors(Interactions(matrix, plays.users, plays.tracks), config=config)
    assert not factors.users["u005"].any() and not factors.tracks["t007"].any()
    assert factors.tracks["t008"].any()
    nothing = Interactions(scipy.sparse.csr_matrix((1, 1)), IdMap(["u"]), IdMap(["t"]))
    with pytest.raises(DataError, match="no plays to learn from; import some"):
        fit_factors(nothing, config=config)


def test_saved_factors_come_back(tmp_path, fitted, config):
    manifest = save_factors(
        tmp_path, fitted, config=config.model_dump(), inputs={"plays": "0" * 32}
    )
    loaded = load_factors(tmp_path)
    assert loaded.users.ids == fitted.users.ids and loaded.tracks.ids == fitted.tracks.ids
    assert np.array_equal(loaded.users.vectors, fitted.users.vectors)
    assert np.array_equal(loaded.tracks.vectors, fitted.tracks.vectors)
    again = artifacts.load_manifest(tmp_path, kind="factors")
    assert again.fingerprint == manifest.fingerprint
    assert again.config == config.model_dump() and again.inputs == {"plays": "0" * 32}
    assert set(again.files) == {"user_ids", "user_factors", "track_ids", "track_factors"}


def test_missing_or_unfit_factors_say_so(tmp_path, fitted):
    with pytest.raises(
        ArtifactError,
        match="no factors in .*run 'audiorec run', or 'audiorec factors' alone, first",
    ):
        load_factors(tmp_path)
    with pytest.raises(ParameterError, match="listeners of 6 dimensions do not fit tracks of 2"):
        Factors(fitted.users, Embeddings(["t"], np.zeros((1, 2))))
