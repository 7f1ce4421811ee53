"""From what a frozen network hears to where a track lies in the listeners' space.

Each track becomes one row of features: how a pretrained network describes its windows, on average
and in spread, and what it would name them. A ridge regression from these to the factors is the
head; its penalty is chosen on artists that it did not learn from. It takes seconds where training
a network takes minutes, and hardly overfits a few hundred tracks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiorec import artifacts
from audiorec.audio.config import MelConfig
from audiorec.data.grouping import artist_groups, even_groups, group_kfold
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.factors import (
    AGREEMENT,
    NO_ARTISTS,
    ArtistSmoothing,
    agreement_of,
    artist_smoothing_from,
    fit_artist_smoothing,
)
from audiorec.models.checkpoint import Checkpoint
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.pretrained.heard import PARTS, Heard, Part, as_rows, track_features, widths_of
from audiorec.pretrained.registry import find
from audiorec.pretrained.sound import SPACE_PARTS, SoundSpace, fit_sound_space
from audiorec.ridge import Ridge, fit_ridge

KIND = "model"
REMEDY = "run 'audiorec train' to make it again"


@dataclass(frozen=True, eq=False)
class Transfer:
    """A frozen network with a fitted head: what a checkpoint is for a network trained here.

    Attributes
    ----------
    encoder : str
        Name of the network whose features it takes.
    parts : tuple of str
        Which features; see `audiorec.pretrained.heard.track_features`.
    head : Ridge or SoundSpace
        From features to the listeners' space, or to one of sound alone.
    model, mel, train : ModelConfig, MelConfig, TrainConfig
        What was asked for.
    space : str
        Fingerprint of the factors that it predicts; empty for a space of sound alone.
    output_scale : float
        What brings predictions to the length of those factors.
    agreement : float
        Mean cosine of predictions and factors over artists that were left out.
    artists : ArtistSmoothing
        How far to draw predictions towards an artist's other tracks, by the same artists.
    """

    encoder: str
    parts: tuple[Part, ...]
    head: Ridge | SoundSpace
    model: ModelConfig
    mel: MelConfig
    train: TrainConfig
    space: str = ""
    output_scale: float = 1.0
    agreement: float = AGREEMENT
    artists: ArtistSmoothing = NO_ARTISTS

    @property
    def n_outputs(self) -> int:
        """Dimensions of what it predicts."""
        return int(self.head.intercept.shape[0] if isinstance(self.head, Ridge) else self.head.dim)

    def predict(self, features: Embeddings) -> Embeddings:
        """Vectors of length 1, in the order of `features`.

        Raises
        ------
        ParameterError
            If the features are not as many as the head was fitted on.
        """
        if features.dim != len(self.head.centre):
            raise ParameterError(
                f"features of {features.dim} numbers do not fit the head of {self.encoder}, which "
                f"takes {len(self.head.centre)}: {', '.join(self.parts)}"
            )
        return Embeddings(features.ids, unit_norm(self.head.predict(features.vectors)))

    def place(self, heard: Heard, ids: Sequence[str] | None = None) -> Embeddings:
        """Vectors of tracks that were heard: those of `ids`, or all of them."""
        return self.predict(heard.features(ids, parts=self.parts))

    def embed(self, mels: Iterable[tuple[str, Sequence[np.ndarray]]]) -> Embeddings:
        """Vectors of tracks from the spectrograms of their clips, heard here and now.

        Raises
        ------
        ArtifactError
            If the network is not in the cache, or damaged there.
        ParameterError
            If a track has no clip, or a clip is not what the network hears.
        """
        from audiorec.pretrained.encoder import load

        network = load(self.encoder)
        ids, rows = [], []
        for track_id, clips in mels:
            heard = [network.hear(network.filled(np.asarray(mel))) for mel in clips]
            if not heard:
                raise ParameterError(f"track {track_id!r} has no clip; run 'audiorec mel' first")
            ids.append(track_id)
            windows, widths = np.concatenate([*map(as_rows, heard)]), widths_of(heard[0])
            rows.append(track_features(windows, widths=widths, parts=self.parts))
        matrix = np.stack(rows) if rows else np.empty((0, len(self.head.centre)), np.float32)
        return self.predict(Embeddings(ids, matrix))


Model = Checkpoint | Transfer
"""What hears: a network that was trained here, or a frozen one with a fitted head."""


def fit_transfer(
    heard: Heard,
    targets: Embeddings,
    *,
    groups: Mapping[str, str],
    model: ModelConfig,
    train: TrainConfig,
    parts: Sequence[Part] = PARTS,
    space: str = "",
    together: Mapping[str, Hashable] | None = None,
) -> Transfer:
    """Fit a linear head on the tracks that have been heard and have factors.

    Parameters
    ----------
    heard : Heard
    targets : Embeddings
        Factors. They are scaled to length 1 where ``train.unit_norm`` says so: a factor's norm
        follows popularity, which no audio tells.
    groups : mapping of str to str
        Artist of each track; a track without one stands alone. Artists count alike, however many
        tracks they have, and the penalty is chosen on artists that were left out.
    model : ModelConfig
    train : TrainConfig
        Its seed deals the artists into folds.
    parts : sequence of str
        What the features are made of.
    space : str
        Fingerprint of the targets.
    together : mapping of str to hashable, optional
        Group of each track that has a duplicate: artists who share a recording are left out
        together.

    Raises
    ------
    ParameterError
        If no track has both.
    """
    common = [track_id for track_id in heard.ids if track_id in targets]
    if not common:
        raise ParameterError("no track has both sound and listening; import plays of these tracks")
    features = heard.features(common, parts=parts)
    factors = targets.take(common)
    wanted = unit_norm(factors.vectors) if train.unit_norm else factors.vectors
    artists = list(artist_groups(common, groups, together or {}).values())
    ridge = fit_ridge(
        features.vectors, wanted, groups=artists, seed=train.seed, weights=even_groups(artists)
    )
    unseen = _unseen(features, wanted, artists, penalty=ridge.penalty, seed=train.seed)
    agreement, prior = AGREEMENT, NO_ARTISTS
    if unseen is not None:
        agreement = agreement_of(unseen, factors)
        prior = fit_artist_smoothing(unseen, factors=factors, artists=groups)
    return Transfer(
        heard.encoder,
        tuple(parts),
        ridge,
        model=model,
        mel=heard.config,
        train=train,
        space=space,
        output_scale=float(np.linalg.norm(factors.vectors, axis=1).mean()),
        agreement=agreement,
        artists=prior,
    )


def _unseen(
    features: Embeddings, wanted: np.ndarray, artists: Sequence[str], *, penalty: float, seed: int
) -> Embeddings | None:
    """What a head says of artists that it did not learn from; None where there is but one."""
    folds = group_kfold(artists, seed=seed)
    said = np.empty(wanted.shape, dtype=np.float32)
    for fold in range(folds.max() + 1):
        test = folds == fold
        if test.all():
            return None
        rest = [artist for artist, left_out in zip(artists, test, strict=True) if not left_out]
        ridge = fit_ridge(
            features.vectors[~test],
            wanted[~test],
            groups=rest,
            seed=seed,
            penalties=[penalty],
            weights=even_groups(rest),
        )
        said[test] = ridge.predict(features.vectors[test])
    return Embeddings(features.ids, said)


def fit_library(
    heard: Heard,
    *,
    groups: Mapping[str, str],
    model: ModelConfig,
    train: TrainConfig,
    parts: Sequence[Part] = SPACE_PARTS,
) -> Transfer:
    """Fit a space of sound alone, for music without listening; see `fit_sound_space`.

    Parameters
    ----------
    heard : Heard
    groups : mapping of str to str
        Artist (or album) of each track; a track without one stands alone.
    model : ModelConfig
    train : TrainConfig
    parts : sequence of str
    """
    features = heard.features(parts=parts)
    return Transfer(
        heard.encoder,
        tuple(parts),
        fit_sound_space(features, groups=groups, seed=train.seed),
        model=model,
        mel=heard.config,
        train=train,
    )


def save_transfer(
    directory: Path, transfer: Transfer, *, inputs: Mapping[str, str]
) -> artifacts.Manifest:
    """Write a head as an artifact of kind "model", whole or not at all."""
    named = transfer.head._asdict()
    arrays = {name: value for name, value in named.items() if isinstance(value, np.ndarray)}
    return artifacts.save(
        directory,
        kind=KIND,
        arrays=arrays,
        config={
            name: getattr(transfer, name).model_dump(mode="json")
            for name in ("mel", "model", "train")
        },
        inputs=inputs,
        extra={
            "encoder": transfer.encoder,
            "package": find(transfer.encoder).package.sha256,
            "parts": list(transfer.parts),
            "target": transfer.model.target,
            "head": {name: value for name, value in named.items() if name not in arrays},
            "space": transfer.space,
            "output_scale": transfer.output_scale,
            "agreement": transfer.agreement,
            "artists": transfer.artists._asdict(),
        },
    )


def load_transfer(directory: Path) -> Transfer:
    """Read a head that `save_transfer` wrote.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    damaged = artifacts.damaged(directory, manifest)
    if damaged:
        raise ArtifactError(f"{directory / damaged[0]} is damaged (its digest differs); {REMEDY}")
    arrays: dict[str, Any] = {
        name: artifacts.load_array(directory, manifest, name, mmap=False) for name in manifest.files
    }
    extra, config = manifest.extra, manifest.config
    try:
        kind = SoundSpace if extra["target"] == "sound" else Ridge
        return Transfer(
            extra["encoder"],
            tuple(extra["parts"]),
            kind(**arrays, **extra["head"]),
            model=ModelConfig(**config["model"]),
            mel=MelConfig(**config["mel"]),
            train=TrainConfig(**config["train"]),
            space=extra["space"],
            output_scale=extra["output_scale"],
            agreement=extra["agreement"],
            artists=artist_smoothing_from(extra.get("artists", {})),
        )
    except (KeyError, TypeError, ParameterError) as error:
        raise ArtifactError(
            f"model in {directory} is not of this version ({error}); {REMEDY}"
        ) from None
