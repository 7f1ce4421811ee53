"""Encoder inputs: spectrograms, and features of frozen encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audiorec.audio import MelConfig
from audiorec.data import file_of
from audiorec.data.catalog import Catalog
from audiorec.mel import MelStore, compute_mels
from audiorec.models import MUSICNN_MEL, ModelConfig
from audiorec.pipeline import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.models import FeatureStore

# Imports in functions: torch, needed only to compute features.


class EncoderInputs(NamedTuple):
    """Inputs of an encoder, or the reason why there are none.

    Attributes
    ----------
    store : MelStore
        Spectrograms of the encoder's own settings.
    features : FeatureStore or None
        Features of a frozen encoder; None if it is trained.
    reason : str
        Why there are no inputs; empty if there are.
    """

    store: MelStore
    features: FeatureStore | None = None
    reason: str = ""

    def missing(self, ids: Sequence[str]) -> str | None:
        """Return the reason why inputs of these tracks are missing, or None."""
        if self.reason:
            return self.reason
        known = self.store.ids if self.features is None else self.features.ids
        absent = len(set(ids).difference(known))
        return f"{absent} of {len(ids)} tracks have no spectrogram for it" if absent else None


InputsOf = Callable[[str, "MelStore"], EncoderInputs]
"""Returns the inputs of an encoder, given its name and the recipe's spectrograms."""


def no_pretrained(encoder: str, store: MelStore) -> EncoderInputs:
    """Return inputs of encoders without pretrained weights; a reason for the others."""
    model = ModelConfig(encoder=encoder)
    if model.pretrained:
        return EncoderInputs(store, None, "no features of a pretrained encoder were given")
    if not model.frozen:
        return EncoderInputs(store)
    from audiorec.models import compute_features

    return EncoderInputs(store, compute_features(store, encoder=encoder))


def catalogue_inputs(
    catalog: Path,
    *,
    recipe: Recipe,
    directory: Path,
    kept: Mapping[str, Path] | None = None,
    progress: Progress = silent,
) -> InputsOf:
    """Return a function for the inputs of any encoder, computed from a workspace if missing.

    Parameters
    ----------
    catalog : Path
        Files that fail are recorded in it.
    recipe : Recipe
    directory : Path
        Folder of features and further spectrograms, from which a killed run continues.
    kept : mapping of str to Path, optional
        Folders of features that the recipe's stages have stored already.
    progress : Progress
    """

    def inputs(encoder: str, store: MelStore) -> EncoderInputs:
        from audiorec.models import compute_features
        from audiorec.models.pretrained import FETCH_REMEDY, find, is_fetched

        model = ModelConfig(encoder=encoder)
        if model.pretrained and not is_fetched():
            reason = f"{find(encoder).name} is not in the cache; {FETCH_REMEDY}"
            return EncoderInputs(store, None, reason)
        front_end = MUSICNN_MEL if model.pretrained else {}
        mel = MelConfig(**(recipe.mel.model_dump() | front_end))
        if mel != store.config:
            with Catalog(catalog) as opened:
                wanted = set(store.ids)
                here = [track for track in opened.tracks() if track.track_id in wanted]
                gone = [track for track in here if not Path(file_of(track.path)).is_file()]
                if gone:
                    reason = f"{len(gone)} files are gone, {gone[0].path} among them"
                    return EncoderInputs(store, None, reason)
                place = directory / f"mels-{encoder}"
                compute_mels(place, opened, config=mel, progress=progress)
            store = MelStore(place)
        if not model.frozen:
            return EncoderInputs(store)
        features = compute_features(
            store,
            encoder=encoder,
            directory=(kept or {}).get(encoder, directory / f"features-{encoder}"),
            device=recipe.train.device,
            progress=progress,
        )
        return EncoderInputs(store, features)

    return inputs
