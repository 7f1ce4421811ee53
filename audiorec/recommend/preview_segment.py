"""Previews: the 15 most typical seconds of a track.

They are searched in the stored spectrograms, so that nothing is decoded: with the default recipe
in the middle 30 s of a recording, with others in all of its clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import Track
from audiorec.exceptions import ArtifactError
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.audio import MelConfig

SECONDS = 15.0
STEP_SECONDS = 0.5  # between candidate starts


class Preview(NamedTuple):
    """A part of a recording, in seconds from its start."""

    start: float
    end: float


def find_previews(workspace: Workspace, tracks: Iterable[Track]) -> dict[str, Preview]:
    """Find the preview of each track that has a spectrogram and a known duration.

    Parameters
    ----------
    workspace : Workspace
    tracks : iterable of Track

    Returns
    -------
    previews : dict of str to Preview
        By track_id; empty if no spectrograms are stored.
    """
    if not artifacts.exists(workspace.mels):
        return {}
    from audiorec.mel import opened_store  # here: loads decoders, not needed by other answers

    try:
        store = opened_store(workspace.mels)
    except ArtifactError:  # missing previews do not make an answer fail
        return {}
    return {
        track.track_id: preview_of(
            store.mels(track.track_id),
            starts=store.starts(track.track_id, duration=track.duration),
            config=store.config,
            duration=track.duration,
        )
        for track in tracks
        if track.track_id in store and track.duration > 0
    }


def preview_of(
    mels: Sequence[np.ndarray], *, starts: Sequence[float], config: MelConfig, duration: float
) -> Preview:
    """Find the 15 s whose spectrum is nearest to that of all clips.

    Compared are the mean and standard deviation of each band over time, in units of the band's
    standard deviation over all clips. Ties go to the earliest.

    Parameters
    ----------
    mels : sequence of np.ndarray [shape=(n_mels, n_frames)], dB
        Log-mels of a track's clips, in order.
    starts : sequence of float
        Start of each clip in the recording, s.
    config : MelConfig
        Settings of the spectrograms.
    duration : float
        Duration of the recording, s.
    """
    everything = np.concatenate(mels, axis=1).astype(np.float32)
    mean, deviation = everything.mean(axis=1), everything.std(axis=1)
    scale = np.maximum(deviation, 1e-3)
    length, step = config.frames(SECONDS), config.frames(STEP_SECONDS)
    best, chosen = np.inf, 0.0
    for mel, start in zip(mels, starts, strict=True):
        at = np.arange(0, max(1, mel.shape[1] - length + 1), step)
        means, deviations = _windows(mel.astype(np.float64), at, length)
        apart = ((means - mean[:, None]) / scale[:, None]) ** 2
        apart += ((deviations - deviation[:, None]) / scale[:, None]) ** 2
        place = int(apart.sum(axis=0).argmin())
        if apart[:, place].sum() < best:
            best = apart[:, place].sum()
            chosen = start + int(at[place]) * config.hop_length / config.sr
    chosen = round(min(chosen, max(0.0, duration - SECONDS)), 1)
    return Preview(chosen, round(min(chosen + SECONDS, duration), 1))


def _windows(mel: np.ndarray, at: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean and deviation of bands by window : 2 x np.ndarray [shape=(n_mels, n)]."""
    ends = np.minimum(at + length, mel.shape[1])
    edges = np.array(sorted({*at.tolist(), *ends.tolist()}))  # from 0
    first, last = np.searchsorted(edges, at), np.searchsorted(edges, ends)

    def mean(x: np.ndarray) -> np.ndarray:
        parts = np.add.reduceat(x[:, : edges[-1]], edges[:-1], axis=1)
        sums = np.concatenate([np.zeros((len(x), 1)), np.cumsum(parts, axis=1)], axis=1)
        return np.asarray((sums[:, last] - sums[:, first]) / (ends - at))

    means = mean(mel)
    return means, np.sqrt(np.maximum(0.0, mean(mel**2) - means**2))
