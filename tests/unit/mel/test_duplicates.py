"""Copies of one recording against readable twins."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.audio import Fingerprints, find_copies_of
from audiorec.audio.fingerprint import STEP_SECONDS
from audiorec.exceptions import ParameterError
from audiorec.mel import near_duplicates

from ..grouping import as_sets, groups_twin


def of_words(words):
    words = np.asarray(words, dtype=np.uint32)
    return Fingerprints(tuple(f"t{row}" for row in range(len(words))), words, STEP_SECONDS)


def laid_over(a, b, offset):
    """Agreement of two rows of words, one by one."""
    wrong = told = 0
    for place in range(len(a)):
        if 0 <= place - offset < len(b) and a[place] and b[place - offset]:
            wrong += (int(a[place]) ^ int(b[place - offset])).bit_count()
            told += 32
    return (1 - 2 * wrong / told, told // 32) if told else (-1, 0)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1000), n=st.integers(0, 9), words_a_pass=st.sampled_from([50, 1 << 23]))
def test_near_duplicates_agree_with_every_pair(seed, n, words_a_pass):
    """Shifted and noisy copies of a few, against every pair at every offset."""
    rng, length = np.random.default_rng(seed), 60
    originals = rng.integers(1, 1 << 32, (3, 2 * length), dtype=np.uint32)
    words = np.zeros((n, length), dtype=np.uint32)
    for row in range(n):
        start = rng.integers(0, length // 6)
        flipped = rng.random((length, 32)) < rng.choice([0, 0.02])
        noise = np.packbits(flipped).view(">u4").astype(np.uint32)
        words[row] = originals[rng.integers(3), start : start + length] ^ noise
        words[row, rng.random(length) < 0.05] = 0
    shortest = 0.8 * length

    def same(a, b):
        a, b = words[int(a[1:])], words[int(b[1:])]
        tried = (laid_over(a, b, offset) for offset in range(-length, length))
        return any(found >= 0.55 and shared >= shortest for found, shared in tried)

    with patch("audiorec.audio.fingerprint.PASS_WORDS", words_a_pass):
        groups = near_duplicates(of_words(words), seconds={})
    assert as_sets(groups) == groups_twin([f"t{row}" for row in range(n)], same)


def test_near_duplicates_number_groups_as_they_come():
    rng = np.random.default_rng(0)
    a, b, c = rng.integers(1, 1 << 32, (3, 90), dtype=np.uint32)
    groups = near_duplicates(of_words([a, b, np.roll(a, 3), b, c]), seconds={})
    assert groups == {"t0": 0, "t2": 0, "t1": 1, "t3": 1}
    with pytest.raises(ParameterError, match="same=1.5"):
        near_duplicates(of_words([a]), seconds={}, same=1.5)


def test_recordings_with_nothing_to_tell_are_no_duplicates():
    assert near_duplicates(of_words(np.zeros((3, 90))), seconds={}) == {}


def test_a_mix_is_no_copy_of_a_recording_that_its_middle_is_of():
    a = np.random.default_rng(0).integers(1, 1 << 32, 90, dtype=np.uint32)
    seconds = {"t0": 200.0, "t1": 215.0, "t2": 3600.0, "t3": 3601.0}
    groups = near_duplicates(of_words([a] * 5), seconds=seconds)
    assert groups == dict.fromkeys(("t0", "t1", "t2", "t3", "t4"), 0)  # by one of unknown length
    groups = near_duplicates(of_words([a] * 4), seconds=seconds)
    assert groups == {"t0": 0, "t1": 0, "t2": 1, "t3": 1}


def test_more_copies_than_places_that_are_paired_are_one_group():
    a = np.random.default_rng(0).integers(1, 1 << 32, 90, dtype=np.uint32)
    assert set(near_duplicates(of_words([a] * 150), seconds={}).values()) == {0}


def test_one_from_outside_finds_its_copies_likest_first():
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 1 << 32, (2, 400), dtype=np.uint32)
    noisy = a ^ (rng.random((400, 32)) < 0.01).dot(1 << np.arange(32)).astype(np.uint32)
    every = of_words([b, noisy, np.roll(a, 20), b])
    assert [match.b for match in find_copies_of(a, every)] == [2, 1]
    (first, _) = find_copies_of(a, every)
    assert first.offset == -20 and first.agreement == 1
    assert find_copies_of(a, of_words(np.empty((0, 400)))) == []
