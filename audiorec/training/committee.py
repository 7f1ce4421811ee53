"""The described network's committee: what its ear tells is asked once, then each member learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from audiorec.config import TrainConfig
from audiorec.embeddings import Embeddings
from audiorec.exceptions import TrainingError
from audiorec.models.described import Described, Likeness, lengthen
from audiorec.models.discriminants import Discriminants
from audiorec.models.losses import LOSSES
from audiorec.models.predict import InputScale
from audiorec.training.curves import EpochRow
from audiorec.training.data import Examples, input_scale, joined, no_scale
from audiorec.training.fit import Run, fit, predicted
from audiorec.training.once import as_they_are, heard_once


def fit_committee(
    network: Described,
    known: Examples,
    others: Examples,
    parted: Callable[[TrainConfig], tuple[tuple[str, ...], tuple[str, ...]]],
    *,
    groups: Mapping[str, str],
    scale: InputScale,
    window: int,
    run: Run,
    shifts: torch.Tensor | None = None,
) -> tuple[list[EpochRow], Embeddings]:
    """Let the ear describe every window once, and each member learn from what it says.

    Parameters
    ----------
    network : Described
    known : Examples
        All that there are.
    others : Examples
        Tracks without targets, which discriminants are learned from beside them.
    parted : callable
        From a member's settings to the tracks that it learns from and those that it does not.
    groups : mapping of str to str
        Artist of each track.
    shifts : Tensor [shape=(n, n_mels, n_mels)], optional
        At which tracks are heard too, but for those that a member does not learn from.

    Returns
    -------
    history : list of EpochRow
        Of the first head.
    unseen : Embeddings
        What members say of the tracks that they did not learn from.
    """
    hear = partial(
        heard_once,
        ear=network.ear,
        scale=scale,
        window=window,
        device=run.device,
        progress=run.progress,
        team=run.team,
        shifts=shifts,
    )
    told = hear(known)
    unlabelled = hear(others) if others.ids and _artists_teach(network) else None
    if network.discriminants is None:
        told_scale = input_scale(as_they_are(told))
    else:
        _learn_discriminants(
            network.discriminants, told, unlabelled, groups=groups, seed=run.config.seed
        )
        told = _placed(network.discriminants, told)
        told_scale = no_scale(network.discriminants.size)
    network.bring_to_scale(told_scale)
    members = [*network.heads, *([] if network.likeness is None else [network.likeness])]
    learned: dict[int, _Learned | None] = {}
    for number in range(run.team.rank, len(members), run.team.size):
        its_run = run.part(number, len(members))
        training, validation = map(told.take, parted(its_run.config))
        validation = as_they_are(validation)
        member = members[number]
        if isinstance(member, Likeness):
            learned[number] = _fit_likeness(
                member, training, validation, unlabelled, groups=groups, run=its_run
            )
        else:
            learned[number] = _fit_head(member, training, validation, scale=told_scale, run=its_run)
    found = {n: one for part in run.team.gathered(learned) for n, one in part.items()}
    said: dict[str, list[np.ndarray]] = {}
    for number, member in enumerate(members):
        one = found[number]
        if one is None:
            continue
        member.load_state_dict(one.weights)
        # Those that learned directions are heard alike, however long what they say is.
        if LOSSES[run.config.loss].norm == "unit" and one.length:
            lengthen(member, 1 / one.length)
        for track_id, vector in zip(one.unseen.ids, one.unseen.vectors, strict=True):
            said.setdefault(track_id, []).append(vector / (one.length or 1))
    network.to("cpu")
    means = [np.mean(vectors, axis=0) for vectors in said.values()]
    assert found[0] is not None
    return found[0].history, Embeddings(tuple(said), np.stack(means))


def _artists_teach(network: Described) -> bool:
    """Whether there is anything to learn from tracks without factors, as they are told."""
    return network.discriminants is not None or network.likeness is not None


def _learn_discriminants(
    discriminants: Discriminants,
    told: Examples,
    others: Examples | None,
    *,
    groups: Mapping[str, str],
    seed: int,
) -> None:
    """Learn them from what is told of tracks, at every pitch."""
    heard = told if others is None else joined([told, others])
    discriminants.learn(
        [clip for clips in heard.clips for clip in clips],
        [
            groups.get(i) or i
            for i, clips in zip(heard.ids, heard.clips, strict=True)
            for _ in clips
        ],
        seed=seed,
    )


def _placed(discriminants: Discriminants, told: Examples) -> Examples:
    """What discriminants say of windows : [shape=(size, n_windows)], float16, in place of it."""
    discriminants = discriminants.to("cpu")

    def said(clip: np.ndarray) -> np.ndarray:
        return discriminants(torch.from_numpy(clip.T)).numpy().T.astype(np.float16)

    return replace(told, clips=[[said(clip) for clip in clips] for clips in told.clips])


class _Learned(NamedTuple):
    """What came of a member: its weights, and what it says of tracks that it did not learn from.

    `length` is that of what it says of the others, on average.
    """

    weights: dict[str, torch.Tensor]
    history: list[EpochRow]
    length: float
    unseen: Embeddings


def _fit_head(
    head: nn.Module, training: Examples, validation: Examples, *, scale: InputScale, run: Run
) -> _Learned:
    module = fit(head, training, validation, scale=scale, window=1, run=run)
    head.load_state_dict(module.best)
    known, unseen = (
        predicted(head, part, scale=scale, window=1, run=run, norm="raw")
        for part in (as_they_are(training), validation)
    )
    length = float(np.linalg.norm(known.vectors, axis=1).mean())
    return _Learned(module.best, module.history, length, unseen)


def _fit_likeness(
    likeness: Likeness,
    training: Examples,
    validation: Examples,
    others: Examples | None,
    *,
    groups: Mapping[str, str],
    run: Run,
) -> _Learned | None:
    """Let it compare tracks; None where artists teach nothing, or lengths are to be learned."""
    if LOSSES[run.config.loss].norm != "unit":
        return None
    run.progress("train", 0, run.config.max_epochs, "likeness to other tracks")
    if likeness.discriminants is not None:
        try:
            _learn_discriminants(
                likeness.discriminants, training, others, groups=groups, seed=run.config.seed
            )
        except TrainingError:  # no artist has several tracks
            return None
        training = _placed(likeness.discriminants, training)
        validation = _placed(likeness.discriminants, validation)
    x = [np.stack([clip.mean(axis=1, dtype=np.float32) for clip in c]) for c in training.clips]
    likeness.kernel.learn(x, training.targets, seed=run.config.seed)
    if not likeness.kernel.speaks:
        return None
    known, unseen = (
        predicted(
            likeness.kernel,
            part,
            scale=no_scale(len(training.clips[0][0])),
            window=1,
            run=run,
            norm="raw",
        )
        for part in (as_they_are(training), validation)
    )
    length = float(np.linalg.norm(known.vectors, axis=1).mean())
    run.progress("train", run.config.max_epochs, run.config.max_epochs)
    return _Learned({k: v.clone() for k, v in likeness.state_dict().items()}, [], length, unseen)
