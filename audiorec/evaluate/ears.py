"""Systems that hear with a network that others trained, alone and beside one trained here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audiorec.audio.config import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.embeddings import Embeddings
from audiorec.evaluate.answers import Answer, Desk, Vectors
from audiorec.models.config import MUSICNN_MEL, EncoderName, ModelConfig
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.evaluate.protocol import World
    from audiorec.mel.store import MelStore
    from audiorec.models.content_model import ContentModel
    from audiorec.models.features import FeatureStore
    from audiorec.training import TrainResult

ENCODER: EncoderName = "musicnn"


class Ear(NamedTuple):
    """What a pretrained network heard of the catalogue, or why it heard nothing."""

    heard: FeatureStore | None
    reason: str = ""

    def missing(self, ids: tuple[str, ...]) -> str | None:
        """Why it has nothing to say of these tracks, or None."""
        if self.heard is None:
            return self.reason or "nothing was heard by a pretrained network"
        unheard = sum(track_id not in self.heard for track_id in ids)
        if unheard:
            return f"{unheard} of {len(ids)} tracks could not be heard by {self.heard.encoder}"
        return None


NO_EAR = Ear(None)


def listen(
    catalog: Catalog,
    store: MelStore,
    *,
    recipe: Recipe,
    directory: Path,
    heard: Path | None = None,
    progress: Progress = silent,
) -> Ear:
    """Let the recipe's pretrained network, or else musicnn, hear the catalogue.

    Parameters
    ----------
    catalog : Catalog
        Open for writing: what fails is recorded in it.
    store : MelStore
        Spectrograms that follow the recipe. Where the network hears others, they are computed.
    recipe : Recipe
    directory : Path
        Where these and what is heard are kept; killed, it goes on from there.
    heard : Path, optional
        Where what is heard of `store` is kept already, by the stages of the recipe.
    progress : Progress

    Returns
    -------
    ear : Ear
        Empty where the weights are not in the cache, or files are gone.
    """
    from audiorec.mel import MelStore, compute_mels
    from audiorec.models.features import compute_features
    from audiorec.models.pretrained import fetch_remedy, find, is_fetched

    encoder = recipe.model.encoder if recipe.model.pretrained else ENCODER
    one = find(encoder)
    if not is_fetched(one.package):
        return Ear(None, f"{one.name} is not in the cache; {fetch_remedy(one.package)}")
    config = MelConfig(**(recipe.mel.model_dump() | MUSICNN_MEL))
    if config != store.config:
        wanted = set(store.ids)
        here = [track for track in catalog.tracks() if track.track_id in wanted]
        gone = [track for track in here if not Path(track.path).is_file()]
        if gone:
            return Ear(None, f"{len(gone)} files are gone, {gone[0].path} among them")
        compute_mels(directory / "mels", catalog, config=config, progress=progress)
        store, heard = MelStore(directory / "mels"), None
    place = heard or directory / "features"
    device = recipe.train.device
    found = compute_features(
        store, encoder=encoder, directory=place, device=device, progress=progress
    )
    return Ear(found)


def head_of(recipe: Recipe) -> ModelConfig:
    """The recipe's model where that is pretrained, else musicnn with a linear head."""
    frozen = recipe.model.pretrained and recipe.model.target == "factors"
    return recipe.model if frozen else ModelConfig(encoder=ENCODER)


def pretrained_head(world: World, desk: Desk) -> Answer:
    """What a pretrained network hears, and a head that is learned from the training tracks."""

    learned = _learn(world, world.targets, desk=desk)
    placed = _place(world, learned.model, world.cold)
    history = tuple((float(r.train_loss), float(r.validation_loss)) for r in learned.history)
    facts, scale = {"agreement": learned.model.agreement}, learned.model.output_scale
    return Answer([Vectors(placed.vectors)], facts, history, scale)


def _learn(world: World, targets: Embeddings, *, desk: Desk) -> TrainResult:
    from audiorec.training import train

    material = world.material
    assert material.ear.heard is not None
    return train(
        material.store,
        targets,
        features=material.ear.heard,
        groups={i: material.artists[i] for i in targets.ids},
        together=material.together,
        model=head_of(material.recipe),
        config=material.recipe.train.model_copy(update={"seed": world.cell.seed}),
        work_directory=desk.place("head"),
        progress=desk.progress,
    )


def _place(world: World, model: ContentModel, ids: Sequence[str]) -> Embeddings:
    from audiorec.inference import embed_store

    material = world.material
    return embed_store(model, material.store, ids=ids, features=material.ear.heard)
