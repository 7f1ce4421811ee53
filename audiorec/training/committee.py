"""The described network's committee: what its ear tells is asked once, then each learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from audiorec.embeddings import Embeddings
from audiorec.exceptions import TrainingError
from audiorec.models.config import TrainConfig
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
    """Let the ear describe every window once, and each of the committee learn from what it says.

    Parameters
    ----------
    network : Described
    known : Examples
        All that there are.
    others : Examples
        Tracks without targets, which discriminants are learned from beside them.
    parted : callable
        From a head's settings to the tracks that it learns from and those that it is stopped by.
    groups : mapping of str to str
        Artist of each track.
    shifts : Tensor [shape=(n, n_mels, n_mels)], optional
        At which tracks are heard too, but for those that a head is stopped by.

    Returns
    -------
    history : list of EpochRow
        Of the first head.
    unseen : Embeddings
        What heads say of the tracks that they were stopped by.
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
    artists_teach = network.discriminants is not None or network.likeness is not None
    unlabelled = hear(others) if others.ids and artists_teach else None
    if network.discriminants is None:
        told_scale = input_scale(as_they_are(told))
    else:
        _learn_discriminants(
            network.discriminants, told, unlabelled, groups=groups, seed=run.config.seed
        )
        told = _placed(network.discriminants, told)
        told_scale = no_scale(network.discriminants.size)
    network.bring_to_scale(told_scale)
    if network.likeness is not None and LOSSES[run.config.loss].norm == "unit":
        if run.team.first:
            _fit_likeness(network.likeness, told, unlabelled, groups=groups, run=run)
        network.likeness.load_state_dict(run.team.agree(network.likeness.state_dict()))
    learned: dict[int, _Head] = {}
    for number in range(run.team.rank, len(network.heads), run.team.size):
        its_run = run.part(number, len(network.heads))
        training, validation = map(told.take, parted(its_run.config))
        learned[number] = _fit_head(
            network.heads[number], training, as_they_are(validation), scale=told_scale, run=its_run
        )
    heads = {n: head for part in run.team.gathered(learned) for n, head in part.items()}
    said: dict[str, list[np.ndarray]] = {}
    for number, module in enumerate(network.heads):
        assert isinstance(module, nn.Sequential)
        head = heads[number]
        module.load_state_dict(head.weights)
        # Heads that learned directions are heard alike, however long what they say is.
        if LOSSES[run.config.loss].norm == "unit" and head.length:
            lengthen(module, 1 / head.length)
        for track_id, vector in zip(head.unseen.ids, head.unseen.vectors, strict=True):
            said.setdefault(track_id, []).append(vector / (head.length or 1))
    network.to("cpu")
    means = [np.mean(vectors, axis=0) for vectors in said.values()]
    return heads[0].history, Embeddings(tuple(said), np.stack(means))


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


class _Head(NamedTuple):
    """What came of a head: its weights, and what they say of the tracks that it was stopped by.

    `length` is that of what it says of the others, on average.
    """

    weights: dict[str, torch.Tensor]
    history: list[EpochRow]
    length: float
    unseen: Embeddings


def _fit_head(
    head: nn.Module, training: Examples, validation: Examples, *, scale: InputScale, run: Run
) -> _Head:
    module = fit(head, training, validation, scale=scale, window=1, run=run)
    head.load_state_dict(module.best)
    known, unseen = (
        predicted(head, part, scale=scale, window=1, run=run, norm="raw")
        for part in (as_they_are(training), validation)
    )
    length = float(np.linalg.norm(known.vectors, axis=1).mean())
    return _Head(module.best, module.history, length, unseen)


def _fit_likeness(
    likeness: Likeness,
    told: Examples,
    others: Examples | None,
    *,
    groups: Mapping[str, str],
    run: Run,
) -> None:
    """Let it learn from all tracks: it needs none to be stopped by.

    Nor is it judged by any: alone it is worse than beside heads, and says nothing of the committee.
    """
    run.progress("compare", 0, len(told.ids))
    if likeness.discriminants is not None:
        try:
            _learn_discriminants(
                likeness.discriminants, told, others, groups=groups, seed=run.config.seed
            )
        except TrainingError:  # no artist has several tracks
            return
        told = _placed(likeness.discriminants, told)
    x = [np.stack([clip.mean(axis=1, dtype=np.float32) for clip in c]) for c in told.clips]
    likeness.kernel.learn(x, told.targets, seed=run.config.seed)
    run.progress("compare", len(told.ids), len(told.ids))
