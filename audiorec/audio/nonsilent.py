"""Search for the non-silent parts of a recording, for clips that would lie in a pause."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiorec.audio.source import Source

FAINT_DB = -60.0  # RMS of a clip, full scale is 0: below it the rest of the recording is searched
LOUDER_DB = 20.0  # by which the loudest second must stand out for a clip to be moved there
RANGE_DB = 20.0  # below the loudest second, within which a second counts as non-silent
PROBE_SECONDS = 0.5
STEP_SECONDS = 2.5  # between probes; more where there would be more than `MOST_PROBES`
MOST_PROBES = 400
STRIDE = 17  # samples between those that the level is estimated from


def sounding_starts(
    source: Source, starts: Sequence[int], clips: Sequence[np.ndarray], *, n: int
) -> list[int]:
    """Starts of clips, those of faint clips moved to the nearest non-silent stretch.

    A recording that is equally faint everywhere keeps its clips, and so does one without a faint
    clip, which is not searched.

    Parameters
    ----------
    source : Source
    starts : sequence of int
        First sample of each clip, ascending.
    clips : sequence of np.ndarray [shape=(n,)], float32
    n : int
        Samples in a clip.

    Returns
    -------
    starts : list of int
        Ascending and without repeats.
    """
    levels = [level_db(y) for y in clips]
    if not any(level < FAINT_DB for level in levels):
        return list(starts)
    total, sr = round(source.info.duration * source.info.sr), source.info.sr
    length = min(total, round(PROBE_SECONDS * sr))
    step = max(round(STEP_SECONDS * sr), total // MOST_PROBES)
    places = np.arange(0, total - length + 1, step)
    probes = np.array([level_db(source.read([int(place)], length)[0]) for place in places])
    probes[np.isinf(probes)] = -np.inf
    loud = probes >= probes.max() - RANGE_DB
    # Starts from which the most probes are non-silent, up to the first one after the clip.
    ends = np.searchsorted(places, places + n + step, side="left")
    counted = np.concatenate([[0], np.cumsum(loud)])
    sounding = counted[ends] - counted[: len(places)]
    best = places[sounding == sounding.max()]
    moved = [
        int(best[np.abs(best - start).argmin()])
        if level < FAINT_DB and probes.max() > level + LOUDER_DB
        else start
        for start, level in zip(starts, levels, strict=True)
    ]
    return sorted({min(start, total - n) for start in moved})


def level_db(y: np.ndarray) -> float:
    """RMS of samples [shape=(n,)], dB of full scale; inf where some are not finite."""
    y = y[::STRIDE].astype(np.float64)
    power = float(np.mean(y**2)) if len(y) else 0.0
    if not np.isfinite(power):
        return np.inf
    return 10 * float(np.log10(power)) if power else -np.inf
