"""From sound, plays and a recipe to a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from audiorec.evaluate.ears import NO_EAR, Ear
from audiorec.evaluate.material import Material, gather
from audiorec.evaluate.protocol import Cell, World, cells, hearing, prepare
from audiorec.evaluate.report import Report, Scene, SplitReport, summarise
from audiorec.evaluate.scores import CellScores, Shelf, score_all
from audiorec.evaluate.stage import KIND as STAGE
from audiorec.evaluate.stage import Stage, kept_stage
from audiorec.evaluate.systems import CNN, ORACLE, RANDOM, SYSTEMS, find_system
from audiorec.evaluate.thin import Thinned
from audiorec.evaluate.warming import bring_together, follow, followed, place_of
from audiorec.exceptions import ParameterError
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel.store import MelStore


def evaluate(
    store: MelStore,
    plays: pl.DataFrame,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    work_directory: Path | None = None,
    systems: Sequence[str] | None = None,
    truth: Path | None = None,
    ear: Ear | Callable[[], Ear] = NO_EAR,
    progress: Progress = silent,
) -> Report:
    """Hold tracks out, learn from the rest, and rank the held-out ones for their listeners.

    Parameters
    ----------
    store : MelStore
        Log-mel spectrograms.
    plays : polars.DataFrame
        Columns user_id, track_id, plays; tracks outside the catalogue are welcome.
    tracks : sequence of Track
        The catalogue.
    recipe : Recipe
        Its section `evaluate` names splits, seeds and folds; `factors`, `model` and `train` say
        how the rest is learned.
    work_directory : Path, optional
        Where the scores of each split, seed and system are kept as soon as they are there, so
        that an evaluation that was killed goes on, and one that has been done returns at once.
    systems : sequence of str, optional
        Names from `SYSTEMS`; by default all but those that are there by name alone. Random and
        the honest oracle are always among them, since every share is measured between the two.
    truth : Path, optional
        ``truth.npz`` of a made world, which adds the perception ceiling.
    ear : Ear or callable, optional
        What a pretrained network heard, which adds the systems that hear with it, or what lets
        it hear, once it is known that there is something to score; see
        `audiorec.evaluate.ears.listen`.
    progress : Progress

    Returns
    -------
    report : Report

    Raises
    ------
    ParameterError
        If a system is unknown, the catalogue cannot be split, or no held-out track can be heard.
    DataError
        If there are no plays, no listener with a history, or nobody to score.
    ArtifactError
        If there are no mels.
    """
    wanted = _choose(systems, with_truth=truth is not None)
    check_settings(wanted, recipe=recipe)
    material = hearing(gather(store, plays, tracks, recipe=recipe, truth=truth), ear)
    names, skipped = applicable(wanted, material)
    shelf = Shelf(work_directory)
    plan = {split: list(cells(material, split=split)) for split in recipe.evaluate.splits}
    total = sum(map(len, plan.values())) * len(names)
    done = 0
    reports: list[SplitReport] = []
    for split, its_cells in plan.items():
        start = time.monotonic()
        table: dict[Cell, dict[str, CellScores]] = {}
        stages: list[Stage] = []
        thinned: list[Thinned] = []
        for cell in its_cells:
            progress("evaluate", done, total, str(cell))
            table[cell], its_stage, its_way = _score_cell(
                material, cell, names, shelf=shelf, progress=progress
            )
            stages.append(its_stage)
            thinned += [] if its_way is None else [its_way]
            done += len(names)
        by = followed(names) if len(thinned) == len(its_cells) else None
        way = by and bring_together(by, thinned, n_resamples=recipe.evaluate.n_bootstrap)
        reports.append(
            summarise(
                split,
                table,
                config=recipe.evaluate,
                skipped=skipped,
                unit_norm=recipe.train.unit_norm,
                seconds=time.monotonic() - start,
                scene=Scene(stages[0], material.tracks, table),
                suspects=[stage.suspects for stage in stages],
                warming=way or None,
            )
        )
    progress("evaluate", total, total)
    return Report(tuple(reports))


def _choose(systems: Sequence[str] | None, *, with_truth: bool) -> list[str]:
    """Names in the order of `SYSTEMS`, variants of the network after the network."""
    if systems is None:
        return [
            name
            for name, system in SYSTEMS.items()
            if not system.by_name and (with_truth or not system.reads_truth)
        ]
    wanted = dict.fromkeys([RANDOM, ORACLE, *systems])
    order = list(SYSTEMS)
    after = order.index(CNN) + 1
    order[after:after] = [name for name in wanted if name not in SYSTEMS]
    return [name for name in order if name in wanted]


def check_settings(names: Sequence[str], *, recipe: Recipe) -> None:
    """Raise `ParameterError` where a system is unknown, or its settings do not fit the recipe."""
    for name in names:
        system = find_system(name)
        try:
            system.settings(recipe)
        except ParameterError as error:
            raise ParameterError(f"system {name!r}: {error}") from None


def applicable(names: Sequence[str], material: Material) -> tuple[list[str], dict[str, str]]:
    """Systems that have something to say of the material, and why the others have not."""
    reasons = {name: find_system(name).inapplicable(material) for name in names}
    return (
        [name for name, reason in reasons.items() if reason is None],
        {name: reason for name, reason in reasons.items() if reason is not None},
    )


def _score_cell(
    material: Material, cell: Cell, names: Sequence[str], *, shelf: Shelf, progress: Progress
) -> tuple[dict[str, CellScores], Stage, Thinned | None]:
    """Scores of every system in one world, which is prepared only if something is missing."""
    world = cache(partial(learned, material, cell, progress=progress))
    found = score_all(material, cell, names, shelf=shelf, world=world, progress=progress)
    stage = kept_stage(shelf.place(material, cell, RANDOM, kind=STAGE), world)
    by = followed(names) if material.recipe.evaluate.rank_by == "tracks" else None
    if by is None:
        return found, stage, None
    way = follow(found, by, place=place_of(shelf, material, cell, by), world=world)
    return found, stage, way


def learned(material: Material, cell: Cell, *, progress: Progress) -> World:
    """A world with its factors, learned here, so that no system's seconds include it."""
    world = prepare(material, cell)
    progress("factors", 0, None, str(cell))
    _ = world.targets
    return world
