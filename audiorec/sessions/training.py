"""Train every session model of a workspace, and choose the one that answers by default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from audiorec import artifacts
from audiorec.data.sessions import PLAYLIST_SOURCES, Sessions, load_sessions, split_by_time
from audiorec.embeddings import Embeddings
from audiorec.progress import Progress, silent
from audiorec.sessions.config import GRU4RecConfig, SessionsConfig
from audiorec.sessions.content_space import ContentSpace, content_of
from audiorec.sessions.gru import GRUModel
from audiorec.sessions.gru4rec_training import train_gru4rec
from audiorec.sessions.models import SessionModel
from audiorec.sessions.neighbours import SessionNeighbours
from audiorec.sessions.rules import SequentialRules
from audiorec.sessions.scoring import hit_rate, mean_reciprocal_rank, rank_next_items
from audiorec.sessions.store import save_models
from audiorec.workspace import Workspace

MAX_VALIDATION = 1000
"""Sessions that the models are compared on: the earliest of those held out."""


def have_sessions(directory: Path) -> bool:
    """Whether stored plays have times, sessions or an order, at a look.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".
    """
    manifest = artifacts.load_manifest(directory, kind="plays")
    for name, part in manifest.extra.get("parts", {}).items():
        if part["source"] in PLAYLIST_SOURCES:
            return True
        rows = pl.scan_parquet(directory / manifest.files[name].file)
        columns = {"timestamp", "session_id"} & set(rows.collect_schema().names())
        counts = rows.select(pl.col(sorted(columns)).count()).collect()
        if counts.sum_horizontal()[0]:
            return True
    return False


def train_sessions(
    workspace: Workspace,
    *,
    config: SessionsConfig,
    inputs: Mapping[str, str],
    without_users: Collection[str] = (),
    progress: Progress = silent,
) -> str:
    """Train the models, compare them on the last days, and store them.

    Parameters
    ----------
    workspace : Workspace
        With plays; where it has content vectors, GRU4Rec places tracks by them too.
    config : SessionsConfig
    inputs : mapping of str to str
        Fingerprints that the artifact records.
    without_users : collection of str
        Listeners who are left out.
    progress : Progress

    Returns
    -------
    summary : str

    Raises
    ------
    DataError
        If there is no session of two plays.
    """
    sessions = load_sessions(
        workspace.plays,
        gap_minutes=config.session_gap_minutes,
        min_support=config.min_support,
        without_users=without_users,
    )
    vectors = Embeddings.load(workspace.embeddings) if "model" in inputs else None
    n_played = sessions.n_items
    if vectors is not None:
        sessions = sessions.with_items(sorted({*sessions.item_ids, *vectors.ids}))
    space = None if vectors is None else ContentSpace.fit(vectors.vectors)
    state = workspace.root / ".sessions"

    def fit_gru(train: Sessions, name: str) -> GRUModel:
        content = None
        if vectors is not None and space is not None:
            content = content_of(vectors, train.item_ids, space=space)
        return _fit_gru(
            train, config, content=content, checkpoint=state / f"{name}.safetensors",
            progress=lambda _stage, *about: progress(f"sessions ({name})", *about),
        )  # fmt: skip

    scores = _compare(sessions, config, fit_gru)
    gru = fit_gru(sessions, "all")
    default = max(scores, key=lambda name: scores[name]["mrr@20"]) if scores else "vsknn"
    save_models(
        workspace.sessions,
        ids=sessions.item_ids,
        plays=sessions.supports,
        neighbours=SessionNeighbours.fit(sessions),
        rules=SequentialRules.fit(sessions),
        gru=gru,
        space=space,
        config=config.model_dump(mode="json"),
        inputs=inputs,
        extra={
            "default": default,
            "validation": scores,
            "sessions": len(sessions),
            "events": sessions.n_events,
            "left_out": sessions.left_out._asdict(),
            "embeddings": _fingerprint(workspace.embeddings) if vectors is not None else "",
        },
    )
    _remove_state(state)
    left_out = sessions.left_out.summary()
    best = f", MRR@20 {scores[default]['mrr@20']:.3f} on the last days" if scores else ""
    summary = f"{len(sessions)} sessions of {n_played} tracks; default {default}{best}"
    return f"{summary}; {left_out}" if left_out else summary


def _fit_gru(sessions: Sessions, config: SessionsConfig, **options: object) -> GRUModel:
    fields = set(GRU4RecConfig.model_fields)
    settings = GRU4RecConfig(**config.model_dump(include=fields))
    return GRUModel.from_network(train_gru4rec(sessions, config=settings, **options))  # type: ignore[arg-type]


def _compare(
    sessions: Sessions, config: SessionsConfig, fit_gru: Callable[[Sessions, str], GRUModel]
) -> dict[str, dict[str, float]]:
    """HR@20 and MRR@20 of each model on the last days; empty where nothing can be held out."""
    if len(sessions) < 2:
        return {}
    train, test = split_by_time(sessions, days=config.validation_days, seed=config.seed)
    known = train.supports > 0
    test = test.only_events(known[test.items])
    test = test.take(np.arange(min(len(test), MAX_VALIDATION)))
    if not len(test):
        return {}
    neighbours = SessionNeighbours.fit(train, k=config.k, sample_size=config.sample_size)
    sknn = SessionNeighbours(
        neighbours.to_arrays(), kind="sknn", k=config.k, sample_size=config.sample_size
    )
    models: list[SessionModel] = [
        fit_gru(train, "validation"), neighbours, sknn, SequentialRules.fit(train),
    ]  # fmt: skip
    scores = {}
    for model in models:
        ranks = rank_next_items(model, test).ranks
        scores[model.name] = {"hr@20": hit_rate(ranks), "mrr@20": mean_reciprocal_rank(ranks)}
    return scores


def _fingerprint(directory: Path) -> str:
    return artifacts.load_manifest(directory, kind="embeddings").fingerprint


def _remove_state(directory: Path) -> None:
    """Remove what a killed run would have gone on with."""
    for name in ("validation", "all"):
        (directory / f"{name}.safetensors").unlink(missing_ok=True)
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
