"""What an epoch shows: random crops of the training tracks, gathered batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from audiorec.data.splits import split_tracks
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.factors import WeightedError
from audiorec.models.config import TrainConfig
from audiorec.models.losses import Form, Targets
from audiorec.models.predict import InputScale, clips_of, cut

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore
    from audiorec.pretrained.heard import Heard

MIN_TRACKS = 8
MIN_STD = 1e-3  # dB; a band that never changes is not blown up
STATISTICS_TRACKS = 2000  # of the training tracks, evenly spaced, give the input statistics


class Batch(NamedTuple):
    """Crops and what to predict from them.

    Attributes
    ----------
    mel : Tensor [shape=(batch, n_mels, window)], float16, dB
    targets : Targets
        Without `everything`.
    weight : float
        Of its mean loss, where several batches make a step: their weighted mean is that of the
        step's examples.
    """

    mel: Tensor
    targets: Targets
    weight: float = 1.0


@dataclass(frozen=True)
class Examples:
    """Tracks with the sound and the target of each.

    Attributes
    ----------
    ids : tuple of str
    clips : list of list of np.ndarray [shape=(n_mels, n_frames)], float16, dB
        Views of the mel store's memory map.
    targets : np.ndarray [shape=(n, n_outputs)], float32
    listening : WeightedError or None
        The listening to the tracks, where the loss looks at it.
    """

    ids: tuple[str, ...]
    clips: list[list[np.ndarray]]
    targets: np.ndarray
    listening: WeightedError | None = None

    def wanted(self, rows: np.ndarray) -> Targets:
        """Targets of the examples of `rows`."""
        form: Form | None = None
        if self.listening is not None:
            forms = self.listening.forms([self.ids[row] for row in rows])
            form = Form(*map(torch.from_numpy, forms))
        own = torch.from_numpy(np.asarray(rows, dtype=np.int64)[:, None])
        factors = torch.from_numpy(self.targets[rows])
        return Targets(factors, own, torch.ones(own.shape), form=form)

    def take(self, ids: Sequence[str]) -> Examples:
        """The examples of some of the tracks, in the order of `ids`."""
        row = {track_id: number for number, track_id in enumerate(self.ids)}
        rows = [row[track_id] for track_id in ids]
        clips = [self.clips[r] for r in rows]
        return Examples(tuple(ids), clips, self.targets[rows], self.listening)


def joined(parts: Sequence[Examples]) -> Examples:
    """Examples that lie in parts, as one."""
    ids = tuple(track_id for part in parts for track_id in part.ids)
    clips = [clip for part in parts for clip in part.clips]
    targets = np.concatenate([part.targets for part in parts])
    return Examples(ids, clips, targets, parts[0].listening)


class Crops:
    """The batches of one epoch after another, each a new random crop of every track.

    Parameters
    ----------
    examples : Examples
    window : int
        Frames of a crop.
    batch_size : int
        At most; the batches of an epoch differ by one example at most, so that none is too small
        for batch statistics.
    seed : int
        With the epoch it decides the order and every crop: nothing else does.
    accumulate : int
        Batches to a step, at most: every step has as many.

    Attributes
    ----------
    n_steps : int
        Steps of an epoch.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        window: int,
        batch_size: int,
        seed: int,
        accumulate: int = 1,
    ) -> None:
        self.examples = examples
        self.window = window
        self.seed = seed
        self.epoch = 0
        n = len(examples.ids)
        self.n_steps = -(-n // (batch_size * accumulate))
        largest = -(-n // self.n_steps)
        # As many as the largest step needs, but none empty in the smallest, which has one less.
        self.accumulate = min(-(-largest // batch_size), n // self.n_steps)

    def __len__(self) -> int:
        return self.n_steps * self.accumulate

    @property
    def smallest(self) -> int:
        """Examples of the smallest batch."""
        return len(self.examples.ids) // self.n_steps // self.accumulate

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng([self.seed, self.epoch])
        n = len(self.examples.ids)
        order = rng.permutation(n)
        which, where = rng.random(n), rng.random(n)
        for step in np.array_split(order, self.n_steps):
            for rows in np.array_split(step, self.accumulate):
                yield Batch(
                    torch.from_numpy(np.stack([self._crop(r, which[r], where[r]) for r in rows])),
                    self.examples.wanted(rows),
                    len(rows) * self.accumulate / len(step),
                )

    def _crop(self, row: int, which: float, where: float) -> np.ndarray:
        clips = self.examples.clips[row]
        mel = clips[int(which * len(clips))]
        span = mel.shape[1] - self.window + 1 if mel.shape[1] > self.window else mel.shape[1]
        start = int(where * span) if mel.shape[1] != self.window else 0
        return cut(mel, start, window=self.window)


def gather(
    store: MelStore | Heard,
    targets: Embeddings,
    *,
    groups: Mapping[str, str],
    config: TrainConfig,
    listening: WeightedError | None = None,
) -> tuple[Examples, Examples]:
    """Training and validation examples: no artist is in both, and no recording.

    Parameters
    ----------
    store, targets, config
        See `audiorec.training.train`.
    groups : mapping of str to str
        Whose each track is; see `audiorec.data.grouping.artist_groups`.
    listening : WeightedError, optional
        For a loss that looks at it.

    Raises
    ------
    TrainingError
        If too few tracks have sound and factors, or all are one artist's.
    """
    ids = [track_id for track_id in store.ids if track_id in targets]
    if len(ids) < MIN_TRACKS:
        raise TrainingError(
            f"only {len(ids)} tracks have both audio and factors and training needs {MIN_TRACKS}; "
            "scan more audio, import more plays, or check that their track ids agree"
        )
    artists = {groups.get(track_id) or "" for track_id in ids}
    if len(artists) == 1 and "" not in artists:
        raise TrainingError(
            f"all {len(ids)} tracks with audio and factors are by {artists.pop()!r} and "
            "validation holds out whole artists; scan music of at least two"
        )
    shown, judged = deal(ids, groups=groups, config=config)
    vectors = targets.take(ids).vectors
    if config.unit_norm:
        vectors = unit_norm(vectors)
    rows = dict(zip(ids, vectors, strict=True))

    def examples(part: Sequence[str]) -> Examples:
        clips = [clips_of(store, i) for i in part]
        return Examples(tuple(part), clips, np.stack([rows[i] for i in part]), listening)

    return examples(shown), examples(judged)


def deal(
    ids: Sequence[str], *, groups: Mapping[str, str], config: TrainConfig
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tracks to learn from and tracks to stop by, as the seed of `config` says: no artist is both.

    Raises
    ------
    TrainingError
        If the artists cannot be parted.
    """
    try:
        split = split_tracks(
            ids, groups, by="artist", test_fraction=config.validation_share, seed=config.seed
        )
    except ParameterError as error:
        raise TrainingError(f"no artists can be held out for validation: {error}") from None
    return split.train, split.test


def no_scale(n_mels: int) -> InputScale:
    """Spectrograms as they are, for a network that brings them to scale itself."""
    return InputScale(np.zeros(n_mels, dtype=np.float32), np.ones(n_mels, dtype=np.float32))


def input_scale(examples: Examples) -> InputScale:
    """Mean and deviation of every mel band over the examples' frames.

    At most `STATISTICS_TRACKS` tracks, evenly spaced, are read.
    """
    step = -(-len(examples.ids) // STATISTICS_TRACKS)
    n_mels = examples.clips[0][0].shape[0]
    count, total, squares = 0, np.zeros(n_mels), np.zeros(n_mels)
    for clips in examples.clips[::step]:
        for mel in clips:
            values = mel.astype(np.float32)
            if not np.isfinite(values).all():
                raise TrainingError("a stored mel holds NaN or infinity; run 'audiorec mel' again")
            count += values.shape[1]
            total += values.sum(axis=1, dtype=np.float64)
            squares += np.einsum("ij,ij->i", values, values, dtype=np.float64)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, MIN_STD**2))
    return InputScale(mean.astype(np.float32), std.astype(np.float32))
