"""Fixed features of a track, from its log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import librosa
import numpy as np

from audiorec.embeddings import Embeddings

if TYPE_CHECKING:
    from audiorec.mel import MelStore

N_MFCC = 20


def mel_statistics(store: MelStore, ids: Sequence[str]) -> Embeddings:
    """Compute mean and deviation of mel bands over time, [shape=(n, 2 * n_mels)], float32."""
    rows = []
    for track_id in ids:
        clips = store.mels(track_id)
        frames = np.concatenate([np.asarray(mel, dtype=np.float32) for mel in clips], axis=1)
        rows.append(np.concatenate([frames.mean(axis=1), frames.std(axis=1)]))
    return Embeddings(ids, np.stack(rows))


def mfcc_statistics(store: MelStore, ids: Sequence[str]) -> Embeddings:
    """Compute mean and deviation of 20 MFCCs over time, [shape=(n, 40)], float32."""
    rows = []
    for track_id in ids:
        frames = np.concatenate(
            [
                librosa.feature.mfcc(
                    S=np.asarray(mel, dtype=np.float32), n_mfcc=min(N_MFCC, len(mel))
                )
                for mel in store.mels(track_id)
            ],
            axis=1,
        )
        rows.append(np.concatenate([frames.mean(axis=1), frames.std(axis=1)]))
    return Embeddings(tuple(ids), np.stack(rows).astype(np.float32))
