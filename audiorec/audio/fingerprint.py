"""Audio fingerprint of a clip, which identifies other copies of the same recording.

A copy may begin elsewhere, be encoded anew or be louder; another performance, however similar, is
not the same. After Haitsma & Kalker (2002, "A highly robust audio fingerprinting system"): a word
of 32 bits every 46 ms holds, for pairs of neighbouring bands, whether their difference in level
rises. Aligned copies share about nine bits in ten, other recordings half; words that two
recordings share give the alignment.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from audiorec.audio.config import MelConfig
from audiorec.audio.mel_band_edges import band_edges

FINGERPRINT_VERSION = 3  # raised when fingerprints change, so that stored ones are computed again

STEP_SECONDS = 0.0464  # between words
WINDOW_SECONDS = 0.37  # of a Hann window over which the level is measured
LAG_SECONDS = 0.19  # over which the level rises or falls
LOWEST_HZ, HIGHEST_HZ = 200.0, 4000.0  # encoders leave these bands as they are
N_BITS = 32
DEPTH_DB = 60.0  # below the loudest moment; anything fainter is taken for silence
MIN_OVERLAP_SECONDS = 18.0  # that two clips must share: more than half of one of 30 s
SHORT_OVERLAP = 0.8  # of the shorter clip, where that is less
COMMON = 48  # positions of one word, ordered by recording, that are paired with each
PASS_WORDS = 1 << 23  # words in one pass: 200 MB
VOTES = 2  # words that must agree on the offset of two recordings
SAME = 0.55  # least agreement of two copies: 22 bits in 100 differ
PARTS, PART_SLACK = 6, 0.2  # parts of the overlap, each of which must agree, less closely
BLOCK = 1 << 12  # pairs compared at once: 10 MB each array
TINY = 1e-12  # of power


class Fingerprints(NamedTuple):
    """Fingerprints of recordings.

    Attributes
    ----------
    ids : tuple of str
    words : np.ndarray [shape=(n, n_words)], uint32
        0 where the clip is silent.
    step : float
        Seconds between words.
    """

    ids: tuple[str, ...]
    words: np.ndarray
    step: float


class Overlap(NamedTuple):
    """Alignment of two recordings.

    Attributes
    ----------
    a, b : int
        Rows.
    offset : int
        Words by which b begins later than a.
    agreement : float
        1 for the same bits, 0 for chance, -1 for the opposite.
    """

    a: int
    b: int
    offset: int
    agreement: float


def make_fingerprint(mel: np.ndarray, *, config: MelConfig) -> np.ndarray:
    """Fingerprint of one clip.

    Parameters
    ----------
    mel : np.ndarray [shape=(n_mels, n_frames)], dB
    config : MelConfig
        Settings of `mel`.

    Returns
    -------
    words : np.ndarray [shape=(n_words,)], uint32
        As many for every clip of a config; 0 where the clip is silent.
    """
    step, window, lag = _frames(config)
    low, high = np.searchsorted(band_edges(config)[1:-1], [LOWEST_HZ, HIGHEST_HZ])
    n_bands = min(N_BITS + 1, high - low)
    words = np.zeros(n_words(config), dtype=np.uint32)
    if n_bands < 2 or mel.shape[1] < window + lag * step:
        return words
    level_db = mel[low:high].astype(np.float32)
    if config.compression == "log10":
        level_db *= 10.0  # dB, but for the faintest
    bands = np.linspace(0, high - low, n_bands + 1).round().astype(int)
    power = np.add.reduceat(10.0 ** (level_db / 10.0), bands[:-1], axis=0)
    power /= np.diff(bands)[:, None]
    weights = np.hanning(window + 2)[1:-1].astype(np.float32)
    frames = sliding_window_view(power, window, axis=1)[:, ::step]
    level = 10.0 * np.log10(np.maximum(frames @ (weights / weights.sum()), TINY))
    level = np.maximum(level, level.max() - DEPTH_DB)
    slope = np.diff(level, axis=0)
    rise = (slope[:, lag:] - slope[:, :-lag]).T
    bits = np.ascontiguousarray(rise[:, np.arange(N_BITS) % rise.shape[1]] > 0)
    hashes = np.packbits(bits).view(">u4").ravel().astype(np.uint32)
    hashes[np.mean(rise != 0, axis=1) < 0.5] = 0
    words[: len(hashes)] = hashes[: len(words)]
    return words


def fingerprint_shard(
    mels: np.ndarray, meta: Iterable[tuple[str, str, int, int, int, float]], *, config: MelConfig
) -> dict[str, np.ndarray]:
    """Fingerprints of the tracks of a stored shard.

    Parameters
    ----------
    mels : np.ndarray [shape=(n, n_mels, n_frames)]
    meta : iterable of (track_id, clip_hash, clip, row, n_frames, start)
        Of each clip, those of a track in order; no frames where a track failed.
    config : MelConfig

    Returns
    -------
    fingerprints : dict of str to np.ndarray [shape=(n_words,)], uint32
        Of the middle clip of each track that did not fail, in order.
    """
    clips: dict[str, list[tuple[int, int]]] = {}
    for track_id, _, _, row, n_frames, _ in meta:
        if n_frames:
            clips.setdefault(track_id, []).append((row, n_frames))
    middle = {track_id: rows[len(rows) // 2] for track_id, rows in clips.items()}
    return {
        track_id: make_fingerprint(mels[row, :, :n_frames], config=config)
        for track_id, (row, n_frames) in middle.items()
    }


def step_seconds(config: MelConfig) -> float:
    """Seconds between the words of a fingerprint."""
    return _frames(config)[0] * config.hop_length / config.sr


def find_copies(fingerprints: Fingerprints, *, same: float = SAME) -> list[Overlap]:
    """Find pairs of copies of one recording.

    Parameters
    ----------
    fingerprints : Fingerprints
    same : float
        Least agreement of two copies.

    Returns
    -------
    matches : list of Overlap
        Ordered by rows, each pair at its best offset.
    """
    return _best(_verified(fingerprints, _pairs(fingerprints.words), same=same))


def find_copies_of(
    words: np.ndarray, fingerprints: Fingerprints, *, same: float = SAME
) -> list[Overlap]:
    """Find copies of a recording that is not among the fingerprints, the most similar first.

    Parameters
    ----------
    words : np.ndarray [shape=(n_words,)], uint32
        Fingerprint of that recording, row -1 of the matches.
    fingerprints : Fingerprints
    same : float
        See `find_copies`.
    """
    every = Fingerprints(
        (*fingerprints.ids, ""), np.vstack([fingerprints.words, words]), fingerprints.step
    )
    shared = np.where(np.isin(every.words, words), every.words, 0)
    pairs = _pairs(shared, with_row=len(fingerprints.ids))
    overlaps = _best(_verified(every, pairs, same=same))
    matches = [Overlap(-1, match.a, -match.offset, match.agreement) for match in overlaps]
    return sorted(matches, key=lambda match: -match.agreement)


def agreement(a: np.ndarray, b: np.ndarray, *, offset: int = 0, min_words: int = 1) -> float:
    """Agreement of two fingerprints where they overlap: 1 for equal ones, about 0 for chance.

    Parameters
    ----------
    a, b : np.ndarray [shape=(n_words,)], uint32
    offset : int
        Words by which b begins later than a.
    min_words : int
        Least overlap of words that are silent in neither; with less, the agreement is -1.
    """
    pair = Fingerprints(("a", "b"), np.stack([a, b]), STEP_SECONDS)
    return float(_agreement(pair.words, np.array([[0, 1, offset]]), min_words=min_words)[0][0])


def _frames(config: MelConfig) -> tuple[int, int, int]:
    """Frames of the spectrogram in a step and in a window; steps in the lag."""
    hop = config.hop_length / config.sr
    step = max(1, round(STEP_SECONDS / hop))
    return step, max(1, round(WINDOW_SECONDS / hop)), max(1, round(LAG_SECONDS / hop / step))


def n_words(config: MelConfig) -> int:
    """Words in the fingerprint of a clip."""
    step, window, lag = _frames(config)
    return max(1, (config.n_frames - window) // step + 1 - lag)


def _pairs(words: np.ndarray, *, with_row: int | None = None) -> np.ndarray:
    """Pairs of rows that share several words at the same offset.

    Words are split into passes by their value, so that a pass takes little memory. Each position of
    a common word is paired with the next ones only: a chain joins equal recordings.

    Parameters
    ----------
    words : np.ndarray [shape=(n, n_words)], uint32
    with_row : int or None
        Only pairs with this row.

    Returns
    -------
    pairs : np.ndarray [shape=(n_pairs, 3)], int64
        Rows a < b, and the position in a less that in b.
    """
    n_words = words.shape[1]
    flat = words.ravel()
    n_passes = 1 + flat.size // PASS_WORDS
    blocks = [np.empty((0, 3), dtype=np.int64)]
    for number in range(n_passes):
        at = np.flatnonzero((flat % n_passes == number) & (flat != 0))
        at = at[np.argsort(flat[at], kind="stable")]
        keys = flat[at]
        for distance in range(1, COMMON):
            left = np.flatnonzero(keys[:-distance] == keys[distance:])
            if not len(left):
                break
            a, b = at[left], at[left + distance]  # a < b, as the sort is stable
            rows, others = a // n_words, b // n_words
            kept = rows != others
            if with_row is not None:
                kept &= (rows == with_row) | (others == with_row)
            offset = a % n_words - b % n_words
            blocks.append(np.stack([rows, others, offset], axis=1)[kept])
    return _voted(np.concatenate(blocks))


def _voted(pairs: np.ndarray) -> np.ndarray:
    """Pairs [shape=(n, 3)] that occur at least `VOTES` times at this offset or the next."""
    span = 1 << 20  # exceeds every offset
    code = (pairs[:, 0] * (pairs[:, 1].max(initial=0) + 1) + pairs[:, 1]) * span + pairs[:, 2]
    code, first, count = np.unique(code, return_index=True, return_counts=True)
    joined = count.copy()
    beside = np.flatnonzero(np.diff(code) == 1)
    joined[beside] += count[beside + 1]
    return pairs[first[joined >= VOTES]]


def _verified(fingerprints: Fingerprints, pairs: np.ndarray, *, same: float) -> list[Overlap]:
    """Pairs whose fingerprints agree, at their offset or one next to it."""
    n_words = fingerprints.words.shape[1]
    shortest = min(MIN_OVERLAP_SECONDS / fingerprints.step, SHORT_OVERLAP * n_words)
    matches = []
    for begin in range(0, len(pairs), BLOCK):
        block = pairs[begin : begin + BLOCK]
        for nudge in (0, -1, 1):
            tried = block + np.array([0, 0, nudge])
            whole, least = _agreement(fingerprints.words, tried, min_words=shortest)
            for row in np.flatnonzero((whole >= same) & (least >= same - PART_SLACK)):
                a, b, offset = tried[row].tolist()
                matches.append(Overlap(a, b, offset, float(whole[row])))
    return matches


def _agreement(
    words: np.ndarray, pairs: np.ndarray, *, min_words: float
) -> tuple[np.ndarray, np.ndarray]:
    """Agreement of pairs of rows at their offsets, and that of the part that agrees least.

    Parameters
    ----------
    words : np.ndarray [shape=(n, n_words)], uint32
    pairs : np.ndarray [shape=(n_pairs, 3)], int64
        Rows a and b, and the position in a less that in b.
    min_words : float
        Least overlap; pairs with less have an agreement of -1.

    Returns
    -------
    whole, least : np.ndarray [shape=(n_pairs,)], float64
    """
    n_words = words.shape[1]
    places = np.arange(n_words) - pairs[:, 2:]
    inside = (places >= 0) & (places < n_words)
    a = words[pairs[:, 0]]
    b = words[pairs[:, 1, None], np.where(inside, places, 0)]
    inside &= (a != 0) & (b != 0)
    wrong = np.where(inside, np.bitwise_count(a ^ b), 0).cumsum(axis=1, dtype=np.int64)
    shared = inside.cumsum(axis=1)
    total = shared[:, -1]
    whole = np.where(
        total >= max(1, min_words), 1.0 - 2.0 * wrong[:, -1] / (N_BITS * np.maximum(total, 1)), -1.0
    )
    # Parts of equal length: a copy agrees throughout, a mix of two recordings only in a part.
    edges = [(shared < total[:, None] * part / PARTS).sum(axis=1) for part in range(1, PARTS + 1)]
    rows = np.arange(len(pairs))
    at = np.stack([rows * 0 - 1, *edges], axis=1).clip(max=n_words - 1)
    wrong, shared = (
        np.where(at < 0, 0, counted[rows[:, None], np.maximum(at, 0)])
        for counted in (wrong, shared)
    )
    least = 1.0 - 2.0 * np.diff(wrong) / (N_BITS * np.maximum(np.diff(shared), 1))
    return whole, least.min(axis=1, initial=1.0)


def _best(matches: list[Overlap]) -> list[Overlap]:
    """The match of each pair with the highest agreement, by rows."""
    best: dict[tuple[int, int], Overlap] = {}
    for match in matches:
        pair = match[:2]
        if pair not in best or match.agreement > best[pair].agreement:
            best[pair] = match
    return [best[pair] for pair in sorted(best)]
