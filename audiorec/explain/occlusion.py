"""Which seconds and which bands of a clip carry a match, by occlusion.

A stretch of the spectrogram is replaced by the clip's own mean in each band (Zeiler & Fergus 2014,
section 4.2), the network predicts again, and what the cosine to the other track loses is what the
stretch is worth to the match.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.audio.mel_band_edges import band_edges
from audiorec.data.catalog.records import Track
from audiorec.embeddings import unit_norm
from audiorec.exceptions import NotFoundError
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.models.content_model import ContentModel

# Imports in functions: torch, which no other answer loads.

N_WINDOWS = 10  # of a clip
N_BANDS = 8


class OccludedPart(NamedTuple):
    """A part of a clip, and what the match loses without it.

    Attributes
    ----------
    start, end : float
        Seconds of the clip, or Hz.
    loss : float
        Fall of the cosine; below 0 where the match is better without it.
    """

    start: float
    end: float
    loss: float


class Occlusion(NamedTuple):
    """What carries a match in one of the two clips.

    Attributes
    ----------
    track_id : str
    cosine : float
        Of the predictions from the whole clips.
    seconds, bands : tuple of OccludedPart
        In the order of time, and of frequency.
    clip_starts : tuple of float
        Where each clip begins in the recording, s.
    """

    track_id: str
    cosine: float
    seconds: tuple[OccludedPart, ...]
    bands: tuple[OccludedPart, ...]
    clip_starts: tuple[float, ...] = (0.0,)


def occlude(workspace: Workspace, first: Track, second: Track) -> tuple[Occlusion, Occlusion]:
    """What carries the match of two tracks in the sound of each.

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
    """What carries the match of a track's sound with a vector.

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
    """Cosine of each variant of a track's clips to a vector."""
    from audiorec.inference import embed

    vectors = embed(model, [(str(n), clips) for n, clips in enumerate(variants)]).vectors
    return [float(c) for c in unit_norm(vectors) @ unit_norm(target[None])[0]]


def hide(
    mel: np.ndarray,
    *,
    time: tuple[int, int] | None = None,
    bands: tuple[int, int] | None = None,
) -> np.ndarray:
    """A spectrogram with some frames, or some bands, at each band's mean.

    Parameters
    ----------
    mel : np.ndarray [shape=(n_mels, n_frames)]
    time, bands : (int, int) or None
        First one hidden, and the first behind that is not.
    """
    hidden = np.array(mel)
    mean = np.asarray(mel, dtype=np.float32).mean(axis=1, keepdims=True)
    if time is not None:
        hidden[:, time[0] : time[1]] = mean
    if bands is not None:
        hidden[bands[0] : bands[1]] = mean[bands[0] : bands[1]]
    return hidden


def strongest(stretches: Sequence[OccludedPart], n: int = 3) -> list[OccludedPart]:
    """The stretches that the match loses most without, if it loses anything."""
    return sorted((s for s in stretches if s.loss > 0), key=lambda s: -s.loss)[:n]


def occlusion_table(occlusion: Occlusion) -> dict[str, Any]:
    """An occlusion as JSON has it."""
    table = occlusion._asdict()
    for key in ("seconds", "bands"):
        table[key] = [part._asdict() for part in table[key]]
    return table


def slots(n: int, parts: int) -> list[tuple[int, int]]:
    """First and end of each of as equal parts of a length as there are.

    Examples
    --------
    >>> slots(10, 3)
    [(0, 3), (3, 6), (6, 10)]
    """
    bounds = np.linspace(0, n, min(parts, n) + 1).astype(int).tolist()
    return list(itertools.pairwise(bounds))
