"""From what a frozen network hears to where a track lies in the listeners' space.

Each track becomes one row of features: how a pretrained network describes its windows, on average
and in spread, and what it would name them. A ridge regression from these to the factors is the
head; its penalty is chosen on artists that it did not learn from. It takes seconds where training
a network takes minutes, and hardly overfits a few hundred tracks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.models.encoder import check_front_end
from audiorec.pretrained.encoder import TagEncoder, Windows
from audiorec.progress import Progress, silent
from audiorec.ridge import Ridge, fit_ridge

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore

KIND = "head"
Part = Literal["mean", "std", "logits", "mean_pool", "max_pool"]
# Mean and spread of the penultimate units over the windows, and the mean logit of each tag.
PARTS: tuple[Part, ...] = ("mean", "std", "logits")


def track_features(windows: Sequence[Windows], *, parts: Sequence[Part] = PARTS) -> np.ndarray:
    """One row of features from everything that was heard of a track.

    Parameters
    ----------
    windows : sequence of Windows
        One per clip; all their windows count alike.
    parts : sequence of {"mean", "std", "logits", "mean_pool", "max_pool"}
        Mean and standard deviation over windows of the penultimate units; means over windows of
        the tags' logits and of the pooled feature maps.

    Returns
    -------
    features : np.ndarray [shape=(n_features,)], float32
    """
    if not windows or not parts:
        raise ParameterError("a track's features need at least one clip and one part")
    penultimate = np.concatenate([clip.penultimate for clip in windows])
    rows = []
    for part in parts:
        if part == "std":
            rows.append(penultimate.std(axis=0))
        elif part == "mean":
            rows.append(penultimate.mean(axis=0))
        else:
            rows.append(np.concatenate([getattr(clip, part) for clip in windows]).mean(axis=0))
    return np.concatenate(rows).astype(np.float32)


def store_features(
    encoder: TagEncoder,
    store: MelStore,
    *,
    ids: Sequence[str] | None = None,
    parts: Sequence[Part] = PARTS,
    n_jobs: int | None = None,
    progress: Progress = silent,
) -> Embeddings:
    """Features of the tracks of a mel store: those of `ids`, or all of them.

    Clips shorter than one window are left out, and with them a track that has no other.

    Raises
    ------
    ParameterError
        If the store was made with other mel settings than the encoder hears.
    """
    check_front_end(encoder, store.config)
    wanted = store.ids if ids is None else tuple(ids)
    heard: list[str] = []  # the track of each clip, in the order that `clips` gives them

    def clips() -> Iterator[np.ndarray]:
        for track_id in wanted:
            for mel in store.mels(track_id):
                if mel.shape[1] >= encoder.window:
                    heard.append(track_id)
                    yield mel

    by_track: dict[str, list[Windows]] = {}
    for number, windows in enumerate(encoder.hear_all(clips(), n_jobs=n_jobs)):
        by_track.setdefault(heard[number], []).append(windows)
        progress("hear", len(by_track), len(wanted))
    progress("hear", len(wanted), len(wanted))
    rows = [track_features(windows, parts=parts) for windows in by_track.values()]
    return Embeddings(list(by_track), np.stack(rows) if rows else np.empty((0, 0), np.float32))


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted head: features to directions in the listeners' space.

    Attributes
    ----------
    encoder : str
        Name of the network whose features it takes.
    parts : tuple of str
        Which features; see `track_features`.
    ridge : Ridge
    space : str
        Fingerprint of the factors that it predicts.
    """

    encoder: str
    parts: tuple[Part, ...]
    ridge: Ridge
    space: str = ""

    def predict(self, features: Embeddings) -> Embeddings:
        """Vectors of length 1 in the listeners' space, in the order of `features`.

        Raises
        ------
        ParameterError
            If the features are not as many as the head was fitted on.
        """
        if features.dim != len(self.ridge.centre):
            raise ParameterError(
                f"features of {features.dim} numbers do not fit the head of {self.encoder}, which "
                f"takes {len(self.ridge.centre)}: {', '.join(self.parts)}"
            )
        return Embeddings(features.ids, unit_norm(self.ridge.predict(features.vectors)))


def fit_head(
    features: Embeddings,
    targets: Embeddings,
    *,
    encoder: str,
    groups: Mapping[str, str],
    parts: Sequence[Part] = PARTS,
    space: str = "",
    seed: int = 0,
) -> Head:
    """Fit a linear head on the tracks that have both features and factors.

    Parameters
    ----------
    features, targets : Embeddings
        Targets are scaled to length 1: a factor's norm follows popularity, which no audio tells.
    encoder : str
    groups : mapping of str to str
        Artist of each track; a track without one stands alone. The penalty is chosen on artists
        that were left out.
    parts : sequence of str
        What `features` were made of.
    space : str
        Fingerprint of the targets.
    seed : int

    Raises
    ------
    ParameterError
        If no track has both.
    """
    common = [track_id for track_id in features.ids if track_id in targets]
    if not common:
        raise ParameterError("no track has both sound and listening; import plays of these tracks")
    ridge = fit_ridge(
        features.take(common).vectors,
        unit_norm(targets.take(common).vectors),
        groups=[groups.get(track_id, track_id) for track_id in common],
        seed=seed,
    )
    return Head(encoder, tuple(parts), ridge, space)


def save_head(directory: Path, head: Head, *, inputs: Mapping[str, str]) -> artifacts.Manifest:
    """Write a head as an artifact of kind "head", whole or not at all."""
    arrays = {
        name: np.asarray(value) for name, value in head.ridge._asdict().items() if name != "penalty"
    }
    return artifacts.save(
        directory,
        kind=KIND,
        arrays=arrays,
        config={"encoder": head.encoder, "parts": list(head.parts)},
        inputs=inputs,
        extra={"penalty": head.ridge.penalty, "space": head.space},
    )


def load_head(directory: Path) -> Head:
    """Read a head that `save_head` wrote.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    arrays: dict[str, Any] = {
        name: artifacts.load_array(directory, manifest, name, mmap=False) for name in manifest.files
    }
    return Head(
        manifest.config["encoder"],
        tuple(manifest.config["parts"]),
        Ridge(**arrays, penalty=manifest.extra["penalty"]),
        manifest.extra["space"],
    )
