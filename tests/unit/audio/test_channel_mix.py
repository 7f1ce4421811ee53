from __future__ import annotations

import numpy as np
import pytest

from audiorec.audio.channel_mix import ChannelMix


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_channels_that_do_not_cancel_are_their_mean(channels):
    y = np.random.default_rng(0).normal(0, 0.1, (50_000, channels)).astype(np.float32)
    y[:, -1] *= -0.1
    mix, out = ChannelMix(), np.empty(len(y), dtype=np.float32)
    mix(y, out=out)
    assert not mix.align() and mix.signs is None
    np.testing.assert_allclose(out, y.mean(axis=1), atol=1e-6)
