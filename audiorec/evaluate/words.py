"""A clip as a bag of MFCC words: which short sounds it holds, and how many of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiorec.embeddings import Embeddings
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore

N_MFCC = 20
N_WORDS = 512
N_SAMPLED = 50_000  # frames that the codebook is learned from
VARIANCE = 0.95


def bag_of_words(
    store: MelStore,
    ids: Sequence[str],
    *,
    training: Sequence[str],
    seed: int,
    n_words: int = N_WORDS,
    progress: Progress = silent,
) -> tuple[Embeddings, dict[str, float]]:
    """Principal components of the share of each word among a track's frames.

    MFCCs are taken from the log-mel spectrograms that are there. The codebook (k-means), the
    scaling of the frames and the components are learned from the training tracks alone.

    Parameters
    ----------
    store : MelStore
    ids : sequence of str
        Tracks to describe.
    training : sequence of str
        Tracks to learn from.
    seed : int
    n_words : int
        Words of the codebook, at most a tenth of the frames that it is learned from.
    progress : Progress

    Returns
    -------
    bags : Embeddings [shape=(n, n_components)], float32
        As many components as hold 95 % of the variance.
    facts : dict of str to float
        Words and components.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng([seed, 7])
    share = -(-N_SAMPLED // len(training))
    sampled = []
    for track_id in training:
        frames = mfcc_frames(store, track_id)
        sampled.append(frames[rng.choice(len(frames), min(share, len(frames)), replace=False)])
    sample = np.concatenate(sampled)
    centre, scale = sample.mean(axis=0), sample.std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    # One thread, so that the last bits do not depend on how many there are.
    with threadpool_limits(limits=1):
        n_words = max(1, min(n_words, len(sample) // 10))
        codebook = MiniBatchKMeans(n_words, batch_size=4096, n_init=1, random_state=seed)
        codebook.fit((sample - centre) / scale)
        words = codebook.cluster_centers_
        counts = np.empty((len(ids), n_words), dtype=np.float32)
        for row, track_id in enumerate(ids):
            progress("evaluate", row, len(ids), "counting words")
            frames = (mfcc_frames(store, track_id) - centre) / scale
            counts[row] = np.bincount(nearest(frames, words), minlength=n_words) / len(frames)
        where = {track_id: row for row, track_id in enumerate(ids)}
        components = PCA(VARIANCE, svd_solver="full")
        components.fit(counts[[where[i] for i in training]])
        bags = components.transform(counts).astype(np.float32)
    facts = {"words": float(n_words), "components": float(bags.shape[1])}
    return Embeddings(tuple(ids), bags), facts


def mfcc_frames(store: MelStore, track_id: str) -> np.ndarray:
    """MFCCs with their first and second differences : [shape=(n_frames, 60)], float32."""
    import librosa

    rows = []
    for mel in store.mels(track_id):
        spectrogram = np.asarray(mel, dtype=np.float32)
        mfcc = librosa.feature.mfcc(S=spectrogram, n_mfcc=min(N_MFCC, len(spectrogram)))
        # a short clip's ends are held, so that it has differences at all
        parts = [mfcc, *(librosa.feature.delta(mfcc, order=o, mode="nearest") for o in (1, 2))]
        rows.append(np.concatenate(parts).T)
    return np.concatenate(rows).astype(np.float32)


def mfcc_statistics(store: MelStore, ids: Sequence[str]) -> Embeddings:
    """Mean and deviation over time of 20 MFCCs, [shape=(n, 40)], float32."""
    rows = []
    for track_id in ids:
        frames = mfcc_frames(store, track_id)
        frames = frames[:, : frames.shape[1] // 3]  # without the differences
        rows.append(np.concatenate([frames.mean(axis=0), frames.std(axis=0)]))
    return Embeddings(tuple(ids), np.stack(rows))


def nearest(frames: np.ndarray, words: np.ndarray) -> np.ndarray:
    """The nearest word of each frame : np.ndarray [shape=(n_frames,)], int64."""
    distance = np.square(words).sum(axis=1) - 2 * (frames @ words.T.astype(frames.dtype))
    return np.asarray(distance.argmin(axis=1))
