"""Another decoder takes over where the first cannot go on, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.audio import AudioInfo
from audiorec.audio.cut_and_resample import cut
from audiorec.audio.fallback_source import FallbackSource
from audiorec.exceptions import AudioError

SR, N = 1000, 2000


class Samples:
    """A decoded recording, of which so many samples can be read."""

    note = ""

    def __init__(self, value: float, *, whole: int = 10 * SR, error: AudioError | None = None):
        self.info = AudioInfo(10.0, SR, 1, "wav")
        self.y, self.error = np.full(whole, value, dtype=np.float32), error

    def align(self) -> bool:
        return False

    def read(self, starts, n):
        if self.error is not None:
            raise self.error
        return cut([(0, self.y)], starts, n)


def refused() -> Samples:
    raise AudioError("a.wav is no song; sing")


@pytest.mark.parametrize("second", [refused, lambda: Samples(2, error=AudioError("no; more"))])
def test_what_the_first_has_stands_where_the_second_fails(second):
    source = FallbackSource(Samples(1, whole=1500), second)
    (clip,) = source.read([1000], N)
    assert clip.tolist() == [1.0] * 500 and source.note == ""


def test_whoever_has_more_is_read_from_then_on():
    source = FallbackSource(Samples(1, whole=1500), lambda: Samples(2))
    (clip,) = source.read([1000], N)
    assert clip.tolist() == [2.0] * N and source.note
    assert source.read([0], 10)[0].tolist() == [2.0] * 10, "though the first has these"
    source = FallbackSource(Samples(1, whole=1500), lambda: Samples(2, whole=1400))
    assert source.read([1000], N)[0].tolist() == [1.0] * 500


def test_damage_that_is_told_asks_the_second_though_nothing_is_short():
    damaged = FallbackSource(Samples(1), lambda: Samples(2), lambda starts, n: starts[0] >= 5000)
    assert damaged.read([0], N)[0][0] == 1 and not damaged.note
    assert damaged.read([6000], N)[0][0] == 2 and damaged.note


def test_a_clip_that_ends_within_a_gap_is_silent_there():
    blocks = [(0, np.ones(10, np.float32)), (50, np.ones(10, np.float32))]
    first, second = cut(blocks, [5, 45], 20)
    assert first.tolist() == [1.0] * 5 + [0.0] * 15
    assert second.tolist() == [0.0] * 5 + [1.0] * 10
