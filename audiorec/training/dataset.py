"""Training set: tracks with clips and factors, and the random crops of each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from audiorec.data import split_tracks
from audiorec.distributed import ALONE, Processes
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.models import InputScale, clips_of, crop_mel

if TYPE_CHECKING:
    from audiorec.mel import MelStore
    from audiorec.models import FeatureStore

MIN_TRACKS = 8
MIN_STD = 1e-3  # dB; a constant band is not amplified
STATISTICS_TRACKS = 2000  # of the training tracks, evenly spaced, used for the input statistics
VALIDATION_FRACTION = 0.1  # of the artists, held out for early stopping


class Batch(NamedTuple):
    """Examples of one step.

    Attributes
    ----------
    inputs : Tensor [shape=(batch, n_mels, crop)], float16, dB, or [shape=(batch, n_features)]
    targets : Tensor [shape=(batch, n_outputs)], float32
    weight : float
        Weight of its mean loss among the processes that share the step.
    """

    inputs: Tensor
    targets: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class TrainingSet:
    """Tracks with their clips and targets.

    Attributes
    ----------
    ids : tuple of str
    clips : list of list of np.ndarray
        Log-mels [shape=(n_mels, n_frames)], float16, dB, views of the store's memory map; or rows
        of features [shape=(n_features,)].
    targets : np.ndarray [shape=(n, n_outputs)], float32
    """

    ids: tuple[str, ...]
    clips: list[list[np.ndarray]]
    targets: np.ndarray


def training_sets(
    store: MelStore | FeatureStore,
    targets: Embeddings,
    *,
    groups: Mapping[str, str],
    unit: bool,
    seed: int,
) -> tuple[TrainingSet, TrainingSet]:
    """Split tracks into training and validation sets, without shared artists or recordings.

    Parameters
    ----------
    store : MelStore or FeatureStore
    targets : Embeddings
        Factors of tracks.
    groups : mapping of str to str
        Group of each track, whose artists are held out together; see
        `audiorec.data.track_groups.artist_groups`.
    unit : bool
        Scale factors to length 1.
    seed : int

    Raises
    ------
    TrainingError
        If too few tracks have audio and factors, or all are by one artist.
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
    try:
        split = split_tracks(ids, groups, by="artist", test_fraction=VALIDATION_FRACTION, seed=seed)
    except ParameterError as error:
        raise TrainingError(f"no artists can be held out for validation: {error}") from None

    def part(of: Sequence[str]) -> TrainingSet:
        vectors = targets.take(of).vectors
        clips = [clips_of(store, i) for i in of]
        return TrainingSet(tuple(of), clips, unit_norm(vectors) if unit else vectors)

    return part(split.train), part(split.test)


class CropLoader:
    """Batches of successive epochs, each with a new random crop of every track.

    Parameters
    ----------
    examples : TrainingSet
    crop : int
        Frames of a crop.
    batch_size : int
        Upper limit; the batches of an epoch differ by at most one example, so that none is too
        small for batch statistics.
    seed : int
        With the epoch it determines the order and every crop.
    processes : Processes
        Each processes a part of every batch.
    """

    def __init__(
        self,
        examples: TrainingSet,
        *,
        crop: int,
        batch_size: int,
        seed: int,
        processes: Processes = ALONE,
    ) -> None:
        self.examples, self.crop, self.seed = examples, crop, seed
        self.processes = processes
        self.epoch = 0
        self._n_batches = -(-len(examples.ids) // batch_size)

    def __len__(self) -> int:
        return self._n_batches

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng([self.seed, self.epoch])
        n = len(self.examples.ids)
        order = rng.permutation(n)
        which, where = rng.random(n), rng.random(n)
        for rows in np.array_split(order, self._n_batches):
            mine = rows[self.processes.share(len(rows))]
            yield Batch(
                torch.from_numpy(np.stack([self._crop(r, which[r], where[r]) for r in mine])),
                torch.from_numpy(self.examples.targets[mine]),
                len(mine) * self.processes.size / len(rows),
            )

    def _crop(self, row: int, which: float, where: float) -> np.ndarray:
        clips = self.examples.clips[row]
        clip = clips[int(which * len(clips))]
        if clip.ndim == 1:
            return clip
        n_frames = clip.shape[1]
        span = n_frames - self.crop + 1 if n_frames >= self.crop else n_frames
        return crop_mel(clip, int(where * span), n_frames=self.crop)


def input_scale(examples: TrainingSet) -> InputScale:
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
