"""Systems that hear with a network that others trained, alone and beside one trained here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec.audio.config import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.data.grouping import group_kfold, one_se_rule
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate.answers import Answer, Desk, Vectors
from audiorec.front_ends import FRONT_ENDS, EncoderName
from audiorec.models.config import ModelConfig
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.evaluate.protocol import World
    from audiorec.mel.store import MelStore
    from audiorec.pretrained.heard import Heard
    from audiorec.pretrained.transfer import Model
    from audiorec.training import Learned

ENCODER: EncoderName = "musicnn"
# Of a prediction by the network trained here, beside one by the pretrained network.
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


class Ear(NamedTuple):
    """What a pretrained network heard of the catalogue, or why it heard nothing."""

    heard: Heard | None
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
    from audiorec.pretrained import fetch_remedy, find, is_fetched
    from audiorec.pretrained.heard import hear_store

    encoder = recipe.model.encoder if recipe.model.pretrained else ENCODER
    one = find(encoder)
    if not is_fetched(one.package):
        return Ear(None, f"{one.name} is not in the cache; {fetch_remedy(one.package)}")
    config = MelConfig(**(recipe.mel.model_dump() | FRONT_ENDS[encoder]))
    if config != store.config:
        wanted = set(store.ids)
        here = [track for track in catalog.tracks() if track.track_id in wanted]
        gone = [track for track in here if not Path(track.path).is_file()]
        if gone:
            return Ear(None, f"{len(gone)} files are gone, {gone[0].path} among them")
        compute_mels(directory / "mels", catalog, config=config, progress=progress)
        store, heard = MelStore(directory / "mels"), None
    place = heard or directory / "heard"
    device = recipe.train.device
    found = hear_store(store, encoder=encoder, directory=place, device=device, progress=progress)
    return Ear(found)


def head_of(recipe: Recipe) -> ModelConfig:
    """The recipe's model where that is pretrained, else musicnn with a linear head."""
    frozen = recipe.model.pretrained and recipe.model.target == "listeners"
    return recipe.model if frozen else ModelConfig(encoder=ENCODER)


def pretrained_head(world: World, desk: Desk) -> Answer:
    """What a pretrained network hears, and a head that is learned from the training tracks."""

    learned = _learn(world, world.targets, desk=desk)
    placed = _place(world, learned.model, world.cold)
    history = tuple((float(r.train_loss), float(r.validation_loss)) for r in learned.history)
    facts, scale = {"agreement": learned.model.agreement}, learned.model.output_scale
    return Answer([Vectors(placed.vectors)], facts, history, scale)


def beside_cnn(world: World, desk: Desk) -> Answer:
    """The mean of what a pretrained network's head and the network trained here say.

    How much of each: what comes nearest to the factors of the training artists that were kept
    from the network's training for early stopping, where the head has not seen them either; the
    head alone, where that is not sure.
    """
    from audiorec.evaluate.systems import trained
    from audiorec.inference import embed_store

    recipe = world.material.recipe
    result = trained(world, desk, recipe=recipe)
    kept = result.unseen.ids
    cold_own = embed_store(result.checkpoint, world.material.store, ids=world.cold)
    theirs = _unseen(world, kept, desk=desk)
    wanted = unit_norm(world.targets.take(kept).vectors)
    cosines = {
        share: (blended(result.unseen, theirs, share=share) * wanted).sum(axis=1)
        for share in SHARES
    }
    best = one_se_rule(cosines, groups=[world.material.owners[i] for i in kept], unless=0.0)
    model = _learn(world, world.targets, desk=desk).model
    cold = blended(cold_own, _place(world, model, world.cold), share=best)
    facts = {"share of the cnn": best, "agreement": float(cosines[best].mean())}
    return Answer([Vectors(cold)], facts)


def blended(own: Embeddings, theirs: Embeddings, *, share: float) -> np.ndarray:
    """Directions between two, `share` of the way from `theirs` to `own`, each of length 1."""
    return unit_norm(share * unit_norm(own.vectors) + (1 - share) * unit_norm(theirs.vectors))


def _unseen(world: World, ids: Sequence[str], *, desk: Desk) -> Embeddings:
    """Training tracks, where heads place them that have not seen their artists."""
    owners = world.material.owners
    folds = group_kfold([owners[i] for i in ids], seed=world.cell.seed)
    parts = []
    for fold in np.unique(folds):
        out = [i for i, own in zip(ids, folds, strict=True) if own == fold]
        known = {owners[i] for i in out}
        rest = [i for i in world.targets.ids if owners[i] not in known]
        parts.append(_place(world, _learn(world, world.targets.take(rest), desk=desk).model, out))
    joined = Embeddings(
        [i for part in parts for i in part.ids], np.concatenate([part.vectors for part in parts])
    )
    return joined.take(ids)


def _learn(world: World, targets: Embeddings, *, desk: Desk) -> Learned:
    from audiorec.training import learn

    material = world.material
    assert material.ear.heard is not None
    return learn(
        material.store,
        targets,
        heard=material.ear.heard,
        groups={i: material.artists[i] for i in targets.ids},
        together=material.together,
        model=head_of(material.recipe),
        config=material.recipe.train.model_copy(update={"seed": world.cell.seed}),
        listening=world.weighted_error,
        work_directory=desk.place("head"),
        progress=desk.progress,
    )


def _place(world: World, model: Model, ids: Sequence[str]) -> Embeddings:
    from audiorec.inference import embed_store

    material = world.material
    return embed_store(model, material.store, ids=ids, heard=material.ear.heard)
