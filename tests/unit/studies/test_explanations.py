"""Whether what an explanation names carries the match, where that is known."""

from __future__ import annotations

import numpy as np

from audiorec.explain.occlusion import slots
from audiorec.studies import explanations


def test_what_is_hidden_is_hidden():
    mel = np.arange(160, dtype=np.float32).reshape(16, 10)
    for what, axis in (("seconds", 1), ("bands", 0)):
        hidden = explanations._without(mel, what, [0, 2])
        every = slots(mel.shape[axis], 10 if what == "seconds" else 8)
        changed = np.flatnonzero((hidden != mel).any(axis=1 - axis))
        assert set(changed) <= {row for n in (0, 2) for row in range(*every[n])} and len(changed)
