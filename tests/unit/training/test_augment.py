"""What is done to examples: what may change, by how much, and that the seed decides."""

import numpy as np
import pytest
import torch

from audiorec.audio.config import MelConfig
from audiorec.exceptions import ParameterError
from audiorec.mel import log_mel
from audiorec.models.config import TrainConfig
from audiorec.models.losses import Form, Targets
from audiorec.models.predict import standardize
from audiorec.training.augment import (
    FILTER_WIDTH,
    _joined,
    blank,
    change_filter,
    change_gain,
    check_augmentation,
    heard,
    mix,
    pitch_shifts,
    steps_between,
)

MEAN, STD = torch.full((24,), -40.0), torch.full((24,), 8.0)
ALL = {"time_mask": 0.4, "band_mask": 0.3, "gain_db": 6.0, "filter_db": 6.0}


def batch(n=64, n_mels=24, n_frames=30):
    torch.manual_seed(5)
    return -40 + 8 * torch.randn(n, n_mels, n_frames)


def shown(mel, seed=0, **settings):
    torch.manual_seed(seed)
    return heard(mel, config=TrainConfig(**settings), mean=MEAN, std=STD)


def test_nothing_is_done_and_nothing_drawn_where_nothing_is_asked_for():
    mel = batch()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    plain = heard(mel, config=TrainConfig(), mean=MEAN, std=STD)
    assert torch.equal(plain, standardize(mel, mean=MEAN, std=STD))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("asked", sorted(ALL))
def test_the_seed_decides_and_what_is_given_stays_as_it_is(asked):
    mel, settings = batch().half(), {asked: ALL[asked]}
    before = mel.clone()
    one = shown(mel, **settings)
    assert torch.equal(one, shown(mel, **settings))
    assert not torch.equal(one, shown(mel, seed=1, **settings))
    assert not torch.equal(one, shown(mel))
    assert torch.equal(mel, before)
    assert one.dtype == torch.float32 and one.shape == mel.shape and one.isfinite().all()


def test_a_gain_is_one_number_for_an_example():
    mel = batch()
    change = change_gain(mel, most=6.0) - mel
    of_each = change[:, :1, :1]
    assert torch.allclose(change, of_each.expand_as(change), atol=1e-4)
    assert of_each.abs().max() <= 6.0
    assert of_each.min() < -4 and of_each.max() > 4  # drawn over the whole range


def test_a_filter_is_a_bent_line_over_the_bands():
    mel = batch(n_mels=64)
    change = change_filter(mel, most=6.0) - mel
    curve = change[:, :, 0]
    assert torch.allclose(change, curve[:, :, None].expand_as(change), atol=1e-4)
    assert 5 < curve.abs().max() <= 6.0 + 1e-4
    steepest = 12.0 / FILTER_WIDTH
    assert curve.diff(dim=1).abs().max() <= steepest + 1e-3
    bends = (curve.diff(n=2, dim=1).abs() > 1e-2).sum(dim=1)
    assert bends.max() <= 2 * 5  # a knot between two bands bends the line twice
    assert not torch.allclose(curve[0], curve[1], atol=0.1)


@pytest.mark.parametrize("n_mels", [2, 4, 12])
def test_a_filter_over_few_bands(n_mels):
    assert change_filter(batch(n_mels=n_mels), most=6.0).isfinite().all()


def test_lines_equal_those_of_numpy():
    rng = np.random.default_rng(0)
    knots = np.sort(rng.random((5, 6)) * 19, axis=1).astype("f4")
    knots[:, 0], knots[:, -1] = 0, 19
    values = rng.normal(size=(5, 6)).astype("f4")
    grid = np.arange(20, dtype="f4")
    expected = [np.interp(grid, k, v) for k, v in zip(knots, values, strict=True)]
    found = _joined(*map(torch.from_numpy, (grid, knots, values)))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_masks_blank_one_stretch_of_either_axis():
    mel = torch.ones(200, 24, 30)
    out = blank(mel, time=0.4, bands=0.25)
    times, bands = (out.amax(dim=1) == 0), (out.amax(dim=2) == 0)
    for blanked, longest in ((times, 12), (bands, 6)):
        lengths = blanked.sum(dim=1)
        assert 0 < lengths.float().mean() < longest
        assert lengths.max() <= longest
        starts = blanked.int().diff(dim=1, prepend=torch.zeros(200, 1, dtype=torch.int)) == 1
        assert starts.sum(dim=1).max() == 1
    kept = ~times[:, None, :] & ~bands[:, :, None]
    assert torch.equal(out, kept.float())


def test_no_mask_where_it_would_be_shorter_than_a_frame():
    mel = torch.ones(8, 24, 30)
    assert torch.equal(blank(mel, time=0.01, bands=0.0), mel)


def chord(lowest):
    """Mean log-mel of three tones with four overtones each, Hz."""
    time = np.arange(22050 * 2) / 22050
    tones = [lowest * ratio * n for ratio in (1, 1.26, 1.5) for n in (1, 2, 3, 4)]
    y = sum(np.sin(2 * np.pi * hertz * time) for hertz in tones) / 40
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(time))
    config = MelConfig(clip_seconds=2.0)
    return np.asarray(log_mel((y + noise).astype("f4"), config=config), dtype="f4").mean(axis=1)


@pytest.mark.parametrize("semitones", [-2.0, 1.0, 2.0])
def test_a_shift_of_pitch_is_the_music_played_higher_or_lower(semitones):
    (shift,) = pitch_shifts(MelConfig(), [semitones])
    played = chord(600 * 2 ** (semitones / 12))
    found = shift.numpy() @ chord(600)
    off, at_first = np.abs(found - played), np.abs(chord(600) - played)
    assert off[:-4].mean() < 0.4 * at_first[:-4].mean()
    assert np.corrcoef(found, played)[0, 1] > 0.98 > np.corrcoef(chord(600), played)[0, 1]


def test_no_shift_changes_nothing_and_the_ends_keep_their_level():
    still, up = pitch_shifts(MelConfig(n_mels=24), [0.0, 12.0])
    np.testing.assert_allclose(still, np.eye(24), atol=1e-5)
    flat = torch.full((24, 3), -30.0)
    np.testing.assert_allclose(up @ flat, flat, rtol=1e-5)


def test_pitches_are_drawn_for_each_example():
    shifts = pitch_shifts(MelConfig(n_mels=24), steps_between(1.5))
    assert len(shifts) == 13
    mel = batch()
    torch.manual_seed(3)
    found = heard(mel, config=TrainConfig(), mean=MEAN, std=STD, shifts=shifts)
    every = standardize((shifts[:, None] @ mel).flatten(0, 1), mean=MEAN, std=STD)
    off = (every.unflatten(0, (13, 64)) - found).abs().amax(dim=(2, 3))
    assert torch.allclose(off.min(dim=0).values, torch.zeros(64), atol=1e-4)
    assert len(off.argmin(dim=0).unique()) > 6
    assert steps_between(0.1) == pytest.approx([-0.1, 0, 0.1])


@pytest.mark.parametrize("asked", ["gain_db", "filter_db"])
def test_decibels_need_spectrograms_in_decibels(asked):
    check_augmentation(MelConfig(), TrainConfig(**ALL))
    check_augmentation(MelConfig(compression="log10"), TrainConfig(time_mask=0.2, band_mask=0.2))
    with pytest.raises(ParameterError, match=f"{asked}=3 needs spectrograms in dB.*{asked} = 0"):
        check_augmentation(MelConfig(compression="log10"), TrainConfig(**{asked: 3.0}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("time_mask", 1.0),
        ("band_mask", -0.1),
        ("gain_db", -1.0),
        ("filter_db", 61.0),
        ("pitch_shift", 12.5),
        ("pitch_shift", True),
        ("pitch_shift", float("nan")),
    ],
)
def test_settings_out_of_range_are_named(key, value):
    with pytest.raises(ParameterError, match=f"{key}={value}"):
        TrainConfig(**{key: value})


def test_sound_and_target_are_blended_alike():
    torch.manual_seed(0)
    factors = torch.eye(6)
    mel = factors[:, :, None].expand(6, 6, 4).contiguous()  # the sound spells the target
    form = Form(torch.diag_embed(factors), 2 * factors, factors.sum(dim=1))
    before = mel.clone()
    rows = torch.arange(6)[:, None]
    sound, targets = mix(mel, Targets(factors, rows, torch.ones(6, 1), form=form), alpha=0.5)
    vector = targets.factors
    assert torch.allclose(sound[..., 0], vector)
    assert torch.allclose(vector.sum(dim=1), torch.ones(6))
    assert (vector.diagonal() >= 0.5).all()
    assert (vector.diagonal() < 1).any()
    assert torch.equal(mel, before)
    spelt = torch.zeros(6, 6).scatter_add_(1, targets.rows, targets.shares)
    assert torch.allclose(spelt, vector)  # whose factors, and how much of each
    assert torch.allclose(targets.form.cross, 2 * vector)
    assert torch.allclose(targets.form.gram, torch.diag_embed(vector))


def test_targets_of_nothing_but_factors_are_blended_too():
    mel, factors = batch(n=4), torch.randn(4, 3)
    _, targets = mix(mel, Targets(factors), alpha=1.0)
    assert targets.rows is None and targets.form is None
