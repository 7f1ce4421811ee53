"""Session models on the 100k sample of the Yoochoose clicks, compared with published figures.

The sample is the one shipped with the session-rec framework (Ludewig et al., UMUAI 2021), split by
time: ``train_full.tsv`` and ``test.tsv`` with the header ``SessionId ItemId Time``, and
``positions.tsv`` (``SessionId Position``), the 387 positions of its stored recommendations::

    python -m audiorec.studies.yoochoose DIRECTORY [--seed 0 --seed 1 --seed 2] [--json]
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import polars as pl

from audiorec.data import Sessions, make_sessions
from audiorec.exceptions import AudiorecError, DataError, first_line
from audiorec.sessions import (
    AssociationRules,
    GRU4RecConfig,
    GRUModel,
    Popularity,
    SequentialRules,
    SessionModel,
    SessionNeighbours,
    SessionPopularity,
    hit_rate,
    mean_reciprocal_rank,
    rank_next_items,
    train_gru4rec,
)

GRU = "gru4rec"
SEEDS = (0, 1, 2)
PUBLISHED = {
    "association rules": (0.592, 0.316),
    "gru4rec": (0.571, 0.329),
    "rules": (0.561, 0.328),
    "vsknn": (0.610, 0.334),
}
"""HR@20 and MRR@20 of session-rec's own recommendations at the 387 positions."""


class ClickSample(NamedTuple):
    """The sample: training and test sessions of the same items.

    Attributes
    ----------
    train, test : Sessions
    positions : np.ndarray [shape=(n_test_positions,)], bool
        Whether each next item of the test is in ``positions.tsv``, session by session.
    """

    train: Sessions
    test: Sessions
    positions: np.ndarray


class ClickScores(NamedTuple):
    """Figures of one system.

    Attributes
    ----------
    hr, mrr : float
        HR@20 and MRR@20 on all positions of the test.
    hr_listed, mrr_listed : float
        The same on those of ``positions.tsv``.
    training_seconds, answer_microseconds : float
    """

    hr: float
    mrr: float
    hr_listed: float
    mrr_listed: float
    training_seconds: float
    answer_microseconds: float


def load_sample(directory: Path) -> ClickSample:
    """Read the sample.

    Raises
    ------
    DataError
        If a file is missing or invalid.
    """
    columns = {"SessionId": pl.String, "ItemId": pl.String, "Time": pl.Float64}
    train, test = (_read(directory / name, columns) for name in ("train_full.tsv", "test.tsv"))
    listed = _read(directory / "positions.tsv", {"SessionId": pl.String, "Position": pl.Int64})
    both = _sessions(train), _sessions(test)
    ids = sorted({*both[0].item_ids, *both[1].item_ids})
    # In the order of `make_sessions`.
    order = (
        test.group_by("SessionId").agg(start=pl.col("Time").min())
        .sort("start", "SessionId")["SessionId"].to_list()
    )  # fmt: skip
    wanted = set(listed.select(pl.struct("SessionId", "Position")).to_series().map_elements(
        lambda row: (row["SessionId"], row["Position"]), return_dtype=pl.Object))  # fmt: skip
    lengths = both[1].lengths
    positions = np.array(
        [
            (session, position) in wanted
            for session, length in zip(order, lengths, strict=True)
            for position in range(length - 1)
        ]
    )
    return ClickSample(both[0].with_items(ids), both[1].with_items(ids), positions)


def _read(file: Path, columns: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    try:
        return pl.read_csv(file, separator="\t", schema_overrides=columns, columns=list(columns))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{file} is no file of the sample ({first_line(error)}); name the folder that holds "
            "train_full.tsv, test.tsv and positions.tsv"
        ) from None


def _sessions(clicks: pl.DataFrame) -> Sessions:
    names = {"SessionId": "session_id", "ItemId": "track_id", "Time": "timestamp"}
    return make_sessions(clicks.rename(names).with_columns(user_id=pl.lit("")))


def systems(seeds: Sequence[int]) -> dict[str, list[Callable[[Sessions], SessionModel]]]:
    """Return the training functions of each system, one per seed if it is random."""

    def gru(seed: int) -> Callable[[Sessions], SessionModel]:
        config = GRU4RecConfig(seed=seed)
        return lambda train: GRUModel.from_network(train_gru4rec(train, config=config))

    return {
        "popularity": [Popularity.fit],
        "session popularity": [SessionPopularity.fit],
        "association rules": [AssociationRules.fit],
        "rules": [SequentialRules.fit],
        "sknn": [lambda train: SessionNeighbours.fit(train, kind="sknn")],
        "vsknn": [SessionNeighbours.fit],
        GRU: [gru(seed) for seed in seeds],
    }


def score(fit: Callable[[Sessions], SessionModel], sample: ClickSample) -> ClickScores:
    """Train one system and score it on the test set."""
    start = time.perf_counter()
    model = fit(sample.train)
    training = time.perf_counter() - start
    ranked = rank_next_items(model, sample.test)
    listed = ranked.ranks[sample.positions]
    return ClickScores(
        hit_rate(ranked.ranks), mean_reciprocal_rank(ranked.ranks), hit_rate(listed),
        mean_reciprocal_rank(listed), training, 1e6 * ranked.seconds / len(ranked.ranks),
    )  # fmt: skip


def run(sample: ClickSample, seeds: Sequence[int] = SEEDS) -> dict[str, list[ClickScores]]:
    """Score every system, once per seed if it is random."""
    return {name: [score(fit, sample) for fit in fits] for name, fits in systems(seeds).items()}


def table(scores: Mapping[str, Sequence[ClickScores]]) -> str:
    """Format the means over seeds, and each seed of GRU4Rec."""
    lines = [
        f"{'':20} {'all positions':>15} {'387 positions':>15} {'published':>15}   train  answer"
    ]
    for name, each in scores.items():
        mean = ClickScores(*np.mean(each, axis=0))
        published = "{:.3f} / {:.3f}".format(*PUBLISHED[name]) if name in PUBLISHED else ""
        lines.append(_line(name, mean, published))
        if len(each) > 1:
            lines += [_line(f"  seed {number}", one, "") for number, one in enumerate(each)]
    return "\n".join(lines)


def _line(name: str, one: ClickScores, published: str) -> str:
    return (
        f"{name:20} {one.hr:7.3f} / {one.mrr:.3f} {one.hr_listed:7.3f} / {one.mrr_listed:.3f} "
        f"{published:>15} {one.training_seconds:6.1f}s {one.answer_microseconds:5.0f}us"
    )


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(min=0), default=SEEDS)
@click.option("--json", "as_json", is_flag=True)
def main(directory: Path, seeds: tuple[int, ...], as_json: bool) -> None:
    """HR@20 / MRR@20 of every session model on the sample in DIRECTORY, the next item ranked
    among all."""
    try:
        scores = run(load_sample(directory), seeds)
    except AudiorecError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        rows = {name: [one._asdict() for one in each] for name, each in scores.items()}
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo(table(scores))


if __name__ == "__main__":
    main()
