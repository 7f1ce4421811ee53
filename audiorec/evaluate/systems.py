"""The systems: ways to place a track that nobody has played yet, and the controls beside them.

A system is a function of a prepared world. It says, for every cold track, a vector in the
listeners' space, or for every listener and cold track a score; several times over where chance
has a part in it. To add one is to write the function and name it in `SYSTEMS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from audiorec.artifacts import fingerprint
from audiorec.data.interactions import to_interactions
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate.answers import Answer, Desk, Scores, System, Vectors
from audiorec.evaluate.material import Material
from audiorec.evaluate.protocol import World
from audiorec.evaluate.variants import (
    EACH_LOSS,
    EACH_NETWORK,
    Change,
    named,
    parse,
    with_settings,
)
from audiorec.exceptions import ParameterError
from audiorec.factors import fit_factors, fold_in_tracks
from audiorec.models.ridge import fit_ridge
from audiorec.pipeline.recipe import Recipe

if TYPE_CHECKING:
    from audiorec.training import TrainResult

N_RANDOM_DRAWS = 10
N_SHUFFLES = 20  # a draw's error is one and the same for all listeners, so few would not do

RANDOM = "random"
RIDGE = "mel statistics + ridge"
WORDS = "mfcc bag of words + linear"
CNN = "cnn"
WITH_ARTIST = "cnn + artist"
MUSICNN = "musicnn + head"
CEILING = "perception ceiling"
ORACLE = "oracle (honest)"


def random(world: World, desk: Desk) -> Answer:
    """Another order of the candidates for each listener; the mean over several draws."""
    rng = world.rng(1)
    shape = world.relevant.shape
    aside = world.rng(6)  # training tracks, for the mixed catalogue
    warm = aside.random((shape[0], len(world.targets)), dtype=np.float32)
    return Answer(Scores(rng.random(shape, dtype=np.float32), warm) for _ in range(N_RANDOM_DRAWS))


def popularity(world: World, desk: Desk) -> Answer:
    """The number of each candidate's listeners, scored ones included: no new track has any."""
    counts = world.believed.filter(pl.col("plays") > 0).group_by("track_id").len()
    listeners = dict(zip(counts["track_id"].to_list(), counts["len"].to_list(), strict=True))
    cold, warm = (
        np.array([[listeners.get(i, 0) for i in ids]], dtype=np.float32).repeat(
            len(world.listeners), axis=0
        )
        for ids in (world.cold, world.targets.ids)
    )
    return Answer([Scores(cold, warm)])


def shuffled_features(world: World, desk: Desk) -> Answer:
    """`mel_statistics` with the spectrograms dealt to the wrong tracks: should be chance."""
    rng = world.rng(2)
    features = world.material.mel_statistics

    def draws() -> Iterator[Vectors]:
        for _ in range(N_SHUFFLES):
            dealt = features.vectors[rng.permutation(len(features))]
            yield _regress(world, Embeddings(features.ids, dealt))[0]

    return Answer(draws())


def genre(world: World, desk: Desk) -> Answer:
    """Ridge from the genre, one column each, to the factors."""
    vectors, facts = _regress(world, world.material.genre_columns)
    return Answer([vectors], facts)


def mel_statistics(world: World, desk: Desk) -> Answer:
    """Ridge from each mel band's mean and deviation over time to the factors."""
    vectors, facts = _regress(world, world.material.mel_statistics)
    return Answer([vectors], facts)


def mfcc_words(world: World, desk: Desk) -> Answer:
    """Counts of MFCC "words" in the clip, their principal components regressed on the factors.

    McFee, Barrington & Lanckriet 2012; van den Oord et al. 2013, section 4.2, where the regression
    has no penalty.
    """
    from audiorec.evaluate.words import bag_of_words

    bags, facts = bag_of_words(
        world.material.store,
        world.material.audio,
        training=world.targets.ids,
        seed=world.cell.seed,
        progress=desk.progress,
    )
    vectors, penalty = _regress(world, bags)
    return Answer([vectors], facts | penalty)


def perception_ceiling(world: World, desk: Desk) -> Answer:
    """Ridge from the attributes that the tracks of a made world were composed with.

    What could be told of the factors by ears that miss nothing, in a straight line.
    """
    truth = world.material.truth
    if truth is None:
        raise ParameterError("the perception ceiling needs the truth of a made world")
    vectors, facts = _regress(world, truth)
    return Answer([vectors], facts)


def artist_mean(world: World, desk: Desk) -> Answer:
    """Mean factor of the artist's training tracks; zero, which favours nothing, without any.

    Not the mean of all tracks: scaled to length 1, it would stand above most of what is known.
    """
    factors = world.factors.tracks
    rows: dict[str, list[int]] = {}
    for track_id, artist in world.material.artists.items():
        if track_id in factors:
            rows.setdefault(artist, []).append(factors.id_map.row(track_id))
    artists = [world.material.artists[i] for i in world.cold]
    vectors = np.zeros((len(artists), factors.dim), dtype=np.float32)
    for row, artist in enumerate(artists):
        if artist in rows:
            vectors[row] = factors.vectors[rows[artist]].mean(axis=0)
    covered = float(np.mean([artist in rows for artist in artists]))
    return Answer([Vectors(vectors)], {"share of tracks covered": covered})


def cnn(world: World, desk: Desk) -> Answer:
    """The recipe's network, trained on the training tracks alone."""
    return _trained(world, desk, recipe=world.material.recipe)


def cnn_and_artist(world: World, desk: Desk) -> Answer:
    """`cnn`, drawn towards the factors of the artist's training tracks.

    It is where a new track stands until it has listeners; see `audiorec.factors.artist_smoothing`.
    """
    from audiorec.factors import smooth_by_artist

    answer = cnn(world, desk)
    (draw,) = answer.draws
    assert isinstance(draw, Vectors)
    smoothing = trained(world, desk, recipe=world.material.recipe).model.smoothing
    placed = smooth_by_artist(
        Embeddings(world.cold, draw.cold),
        factors=world.targets,
        artists=world.material.artists,
        smoothing=smoothing,
    )
    facts = {} if smoothing.k is None else {"k": smoothing.k}
    return Answer([Vectors(placed.vectors)], answer.facts | facts, scale=answer.scale)


def trained(world: World, desk: Desk, *, recipe: Recipe) -> TrainResult:
    """A recipe's network, trained once for each world."""
    from audiorec.training import train

    sections = [section.model_dump(mode="json") for section in (recipe.model, recipe.train)]
    key = fingerprint(sections)
    if key not in world.trained:
        material = world.material
        world.trained[key] = train(
            material.store,
            world.targets,
            groups={i: material.artists[i] for i in world.targets.ids},
            together=material.together,
            model=recipe.model,
            config=recipe.train.model_copy(update={"seed": world.cell.seed}),
            work_directory=desk.place(key),
            progress=desk.progress,
        )
    return world.trained[key]


def _trained(world: World, desk: Desk, *, recipe: Recipe) -> Answer:
    from audiorec.inference import embed_store

    material = world.material
    result = trained(world, desk, recipe=recipe)
    cold = embed_store(
        result.model,
        material.store,
        ids=world.cold,
        device=recipe.train.device,
        progress=desk.progress,
    )
    facts = {"agreement": result.model.agreement}
    if result.history:
        best = min(row.validation_loss for row in result.history)
        facts |= {"epochs": float(len(result.history)), "validation loss": float(best)}
    history = tuple((float(r.train_loss), float(r.validation_loss)) for r in result.history)
    return Answer([Vectors(cold.vectors)], facts, history, result.model.output_scale)


def _cnn_with(name: str, change: Change) -> System:
    """`cnn` under other settings than the recipe's."""

    def answer(world: World, desk: Desk) -> Answer:
        return _trained(world, desk, recipe=change(world.material.recipe))

    answer.__doc__ = f"The recipe's network with {name}, the rest as in the recipe."
    return System(
        answer,
        "model",
        sections=("model", "train"),
        inapplicable=_no_cnn,
        by_name=True,
        settings=change,
        kept_as=CNN,
    )


def oracle_of_the_paper(world: World, desk: Desk) -> Answer:
    """Factors of all plays, those to be predicted included (van den Oord et al. 2013)."""
    config = world.factors_config
    everything = to_interactions(
        world.believed,
        min_tracks_per_user=config.min_tracks_per_user,
        min_users_per_track=config.min_users_per_track,
    )
    factors = fit_factors(everything, config=config)
    return Answer(
        [
            Vectors(
                _rows(factors.tracks, world.cold),
                listeners=_rows(factors.users, world.listeners),
                warm=_rows(factors.tracks, world.targets.ids),
            )
        ]
    )


def honest_oracle(world: World, desk: Desk) -> Answer:
    """Candidates folded in from half A's plays: what the listening of others tells of them."""
    plays = world.plays_of_held_out(users=world.folding)
    if not (plays["plays"] > 0).any():
        return Answer([Vectors(np.zeros((len(world.cold), world.factors.dim)))])
    folded = fold_in_tracks(
        world.factors, to_interactions(plays), config=world.factors_config, among=world.folding
    )
    facts = {"share of tracks covered": float(np.mean([i in folded for i in world.cold]))}
    return Answer([Vectors(_rows(folded, world.cold))], facts)


def _regress(world: World, features: Embeddings) -> tuple[Vectors, dict[str, float]]:
    """Ridge from features of the training tracks to their factors, at the candidates.

    The factors are scaled to length 1 where the recipe's network learns them so.
    """
    targets = world.targets
    unit = world.material.recipe.train.unit_norm
    ridge = fit_ridge(
        features.take(targets.ids).vectors,
        unit_norm(targets.vectors) if unit else targets.vectors,
        groups=[world.material.owners[i] for i in targets.ids],
        seed=world.cell.seed,
    )
    predicted = ridge.predict(features.take(world.cold).vectors)
    return Vectors(predicted), {"penalty": ridge.penalty}


def _rows(embeddings: Embeddings, ids: tuple[str, ...]) -> np.ndarray:
    """Vectors of ids, zeros where there is none : np.ndarray [shape=(len(ids), d)], float32."""
    matrix = np.zeros((len(ids), embeddings.dim), dtype=np.float32)
    known = [row for row, id_ in enumerate(ids) if id_ in embeddings]
    matrix[known] = embeddings.take([ids[row] for row in known]).vectors
    return matrix


def _no_genres(material: Material) -> str | None:
    n_genres = len(material.genres)
    return None if n_genres > 1 else f"the catalogue names {n_genres} genres"


def musicnn(world: World, desk: Desk) -> Answer:
    """A pretrained network, frozen unless the recipe says otherwise, and a head for it."""
    from audiorec.evaluate.ears import pretrained_head

    return pretrained_head(world, desk)


def _no_ear(material: Material) -> str | None:
    return material.ear.missing(material.audio) or _one_artist(material)


def _no_cnn(material: Material) -> str | None:
    model = material.recipe.model
    if model.pretrained:
        return f"the recipe's encoder is {model.encoder}"
    return _one_artist(material)


def _one_artist(material: Material) -> str | None:
    artists = {material.artists[i] for i in material.audio}
    if len(artists) > 1 or len(material.audio) == 1:
        return None
    who = f"all {len(material.audio)} tracks are by {artists.pop()!r}"
    return f"{who}, and training keeps whole artists aside"


def _no_artists(material: Material) -> str | None:
    alone = len(set(material.artists.values())) == len(material.artists)
    return "the catalogue names no artist of two tracks" if alone else None


def _no_truth(material: Material) -> str | None:
    return "no truth of a made world is given" if material.truth is None else None


UNDER_EACH_LOSS: dict[str, System] = {
    f"{CNN}, {name}": _cnn_with(name, change) for name, change in EACH_LOSS.items()
}
UNDER_EACH_NETWORK: dict[str, System] = {
    f"{CNN}, {name}": _cnn_with(name, change) for name, change in EACH_NETWORK.items()
}

SYSTEMS: dict[str, System] = {
    RANDOM: System(random, "control"),
    "shuffled features": System(shuffled_features, "control", sections=("train",)),
    "popularity (leaky)": System(popularity, "control"),
    "genre + ridge": System(genre, "baseline", sections=("train",), inapplicable=_no_genres),
    RIDGE: System(mel_statistics, "baseline", sections=("train",)),
    WORDS: System(mfcc_words, "baseline", sections=("train",)),
    "artist mean": System(artist_mean, "baseline"),
    CNN: System(cnn, "model", sections=("model", "train"), inapplicable=_no_cnn, kept_as=CNN),
    WITH_ARTIST: System(
        cnn_and_artist,
        "model",
        sections=("model", "train"),
        inapplicable=lambda material: _no_cnn(material) or _no_artists(material),
    ),
    MUSICNN: System(musicnn, "model", sections=("model", "train"), inapplicable=_no_ear),
    **UNDER_EACH_LOSS,
    **UNDER_EACH_NETWORK,
    CEILING: System(
        perception_ceiling,
        "oracle",
        sections=("train",),
        inapplicable=_no_truth,
        reads_truth=True,
    ),
    "oracle (paper)": System(oracle_of_the_paper, "oracle"),
    ORACLE: System(honest_oracle, "oracle"),
}


def find_system(name: str) -> System:
    """The system of a name: an entry of `SYSTEMS`, or a `variant`.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    if name in SYSTEMS:
        return SYSTEMS[name]
    base, _, settings = name.partition(",")
    if base != CNN or "=" not in settings:
        known = ", ".join(repr(known) for known in SYSTEMS)
        raise ParameterError(f"unknown system {name!r}; choose from {known}")
    return _cnn_with(settings.strip(), with_settings(parse(settings)))


def variant(settings: str) -> str:
    """Name of the system that is `cnn` with some settings of [model] and [train] changed.

    Parameters
    ----------
    settings : str
        Such as ``hidden=64`` or ``model.hidden=64,mixup=0``.

    Raises
    ------
    ParameterError
        If they are no settings, or a key is unknown.
    """
    return f"{CNN}, {named(parse(settings))}"
