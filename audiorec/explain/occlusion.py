"""Occlusion maps: the time spans and bands of a clip that carry a match.

A part of the spectrogram is replaced by the clip's own mean in each band (Zeiler & Fergus 2014,
section 4.2), and the network predicts again: the loss of cosine to the other track is the part's
contribution to the match.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.audio.mel_band_edges import band_edges
from audiorec.data.catalog import Track
from audiorec.embeddings import unit_norm
from audiorec.exceptions import NotFoundError
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.models import ContentModel

# Imports in functions: torch, which other answers do not load.

N_WINDOWS = 10  # of a clip
N_BANDS = 8


class OccludedPart(NamedTuple):
    """A part of a clip, and the loss of cosine without it.

    Attributes
    ----------
    start, end : float
        Seconds of the clip, or Hz.
    loss : float
        Decrease of the cosine; below 0 if the match is better without the part.
    """

    start: float
    end: float
    loss: float


class Occlusion(NamedTuple):
    """Occlusion map of one of two tracks.

    Attributes
    ----------
    track_id : str
    cosine : float
        Cosine of the predictions from the whole clips.
    seconds, bands : tuple of OccludedPart
        In order of time, and of frequency.
    clip_starts : tuple of float
        Start of each clip in the recording, s.
    """

    track_id: str
    cosine: float
    seconds: tuple[OccludedPart, ...]
    bands: tuple[OccludedPart, ...]
    clip_starts: tuple[float, ...] = (0.0,)


def occlude(workspace: Workspace, first: Track, second: Track) -> tuple[Occlusion, Occlusion]:
    """Compute the occlusion maps of two tracks' match.

    Raises
    ------
    NotFoundError
        If a spectrogram is not stored.
    ArtifactError
        If there is no model, or no spectrograms.
    """
    from audiorec.inference import embed, load_model
    from audiorec.mel import MelStore

    model = load_model(workspace.model)
    store = MelStore(workspace.mels)
    tracks = (first, second)
    for track in tracks:
        if track.track_id not in store:
            raise NotFoundError(
                f"no spectrogram of {track.track_id!r} is stored; run 'audiorec mel'"
            )
    clips = [store.mels(track.track_id) for track in tracks]
    whole = embed(model, [(t.track_id, c) for t, c in zip(tracks, clips, strict=True)])
    one, other = (
        occlude_clips(model, track.track_id, of_track, target=whole[target.track_id])._replace(
            clip_starts=tuple(store.starts(track.track_id, duration=track.duration))
        )
        for track, of_track, target in zip(tracks, clips, reversed(tracks), strict=True)
    )
    return one, other


def occlude_clips(
    model: ContentModel, track_id: str, clips: Sequence[np.ndarray], *, target: np.ndarray
) -> Occlusion:
    """Compute the occlusion map of a track's match with a vector.

    Parameters
    ----------
    model : ContentModel
    track_id : str
    clips : sequence of np.ndarray [shape=(n_mels, n_frames)]
        Log-mels of the track.
    target : np.ndarray [shape=(d,)]
    """
    edges = band_edges(model.mel)
    seconds_per_frame = model.mel.hop_length / model.mel.sr
    time_slots = slots(clips[0].shape[1], N_WINDOWS)
    band_slots = slots(clips[0].shape[0], N_BANDS)
    hidden = [[hide(mel, time=slot) for mel in clips] for slot in time_slots]
    hidden += [[hide(mel, bands=slot) for mel in clips] for slot in band_slots]
    cosine, *others = cosines(model, [clips, *hidden], target=target)
    losses = [round(cosine - other, 4) for other in others]
    seconds = [
        OccludedPart(round(a * seconds_per_frame, 1), round(b * seconds_per_frame, 1), loss)
        for (a, b), loss in zip(time_slots, losses, strict=False)
    ]
    bands = [
        OccludedPart(round(float(edges[a]), 0), round(float(edges[b + 1]), 0), loss)
        for (a, b), loss in zip(band_slots, losses[len(time_slots) :], strict=True)
    ]
    return Occlusion(track_id, round(cosine, 4), tuple(seconds), tuple(bands))


def cosines(
    model: ContentModel, variants: Sequence[Sequence[np.ndarray]], *, target: np.ndarray
) -> list[float]:
    """Compute the cosine of each variant of a track's clips to a vector."""
    from audiorec.inference import embed

    vectors = embed(model, [(str(n), clips) for n, clips in enumerate(variants)]).vectors
    return [float(c) for c in unit_norm(vectors) @ unit_norm(target[None])[0]]


def hide(
    mel: np.ndarray,
    *,
    time: tuple[int, int] | None = None,
    bands: tuple[int, int] | None = None,
) -> np.ndarray:
    """Replace some frames, or some bands, of a spectrogram by each band's mean.

    Parameters
    ----------
    mel : np.ndarray [shape=(n_mels, n_frames)]
    time, bands : (int, int) or None
        Start and end (exclusive) of the hidden frames or bands.
    """
    hidden = np.array(mel)
    mean = np.asarray(mel, dtype=np.float32).mean(axis=1, keepdims=True)
    if time is not None:
        hidden[:, time[0] : time[1]] = mean
    if bands is not None:
        hidden[bands[0] : bands[1]] = mean[bands[0] : bands[1]]
    return hidden


def strongest(stretches: Sequence[OccludedPart], n: int = 3) -> list[OccludedPart]:
    """Return the parts with the greatest loss above 0.

    Examples
    --------
    >>> parts = [OccludedPart(0, 3, 0.02), OccludedPart(3, 6, 0.11), OccludedPart(6, 9, -0.01)]
    >>> strongest(parts, 1)
    [OccludedPart(start=3, end=6, loss=0.11)]
    """
    return sorted((s for s in stretches if s.loss > 0), key=lambda s: -s.loss)[:n]


def occlusion_table(occlusion: Occlusion) -> dict[str, Any]:
    """Convert an occlusion map to JSON."""
    table = occlusion._asdict()
    for key in ("seconds", "bands"):
        table[key] = [part._asdict() for part in table[key]]
    return table


def slots(n: int, parts: int) -> list[tuple[int, int]]:
    """Divide a length into nearly equal parts, each as start and end.

    Examples
    --------
    >>> slots(10, 3)
    [(0, 3), (3, 6), (6, 10)]
    """
    bounds = np.linspace(0, n, min(parts, n) + 1).astype(int).tolist()
    return list(itertools.pairwise(bounds))
