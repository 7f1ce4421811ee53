"""Train every session model of a workspace, and choose the default one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from audiorec import artifacts
from audiorec.data import Sessions, load_sessions
from audiorec.data.histories import PLAYLISTS
from audiorec.data.sessions import MIN_SUPPORT
from audiorec.embeddings import Embeddings
from audiorec.progress import Progress, silent
from audiorec.sessions.cold_start import place_by_content
from audiorec.sessions.comparison import (
    Comparison,
    ScoreEpoch,
    bounded_settings,
    compare,
    without_gru4rec,
)
from audiorec.sessions.config import GRU4RecConfig, SessionsConfig
from audiorec.sessions.content_pca import ContentSpace, content_of
from audiorec.sessions.gru4rec_numpy import GRUModel
from audiorec.sessions.gru4rec_training import score_epochs, train_gru4rec
from audiorec.sessions.metrics import Scores
from audiorec.sessions.neighbours import SessionNeighbours
from audiorec.sessions.rules import SequentialRules
from audiorec.sessions.store import save_models
from audiorec.workspace import Workspace


def have_sessions(directory: Path) -> bool:
    """Check quickly whether stored plays have times, sessions or an order.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".
    """
    manifest = artifacts.load_manifest(directory, kind="plays")
    for name, part in manifest.extra.get("parts", {}).items():
        if part["source"] in PLAYLISTS:
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
    gru: GRU4RecConfig | None = None,
    progress: Progress = silent,
) -> str:
    """Train the models, compare them on the last days, and store them.

    Parameters
    ----------
    workspace : Workspace
        With plays; if it has content vectors, GRU4Rec embeds tracks by them too.
    config : SessionsConfig
    inputs : mapping of str to str
        Fingerprints to record in the artifact.
    without_users : collection of str
        Listeners to leave out.
    gru : GRU4RecConfig, optional
        Settings of GRU4Rec; by default those of `bounded_settings`.
    progress : Progress

    Returns
    -------
    summary : str

    Raises
    ------
    NoSessionsError
        If there is no session of two plays.
    """
    sessions = load_sessions(
        workspace.plays,
        gap_minutes=config.session_gap_minutes,
        min_support=MIN_SUPPORT,
        without_users=without_users,
    )
    without = without_gru4rec(sessions, config)
    placed = "model" in inputs and not without  # no other model uses content
    vectors = Embeddings.load(workspace.embeddings) if placed else None
    n_played = sessions.n_items
    if vectors is not None:
        sessions = sessions.with_items(sorted({*sessions.item_ids, *vectors.ids}))
    network = _GRUTraining(
        gru or bounded_settings(sessions, config),
        vectors=vectors, state=workspace.session_states, progress=progress,
    )  # fmt: skip
    compared = compare(sessions, config=config, fit_gru=None if without else network.score_epochs)
    model = None if without else network.train(sessions, n_epochs=compared.epochs)
    default = _default(config, compared, has_gru=model is not None)
    save_models(
        workspace.sessions,
        ids=sessions.item_ids,
        plays=sessions.supports,
        neighbours=SessionNeighbours.fit(sessions),
        rules=SequentialRules.fit(sessions),
        gru=model,
        space=network.space,
        config=config.model_dump(mode="json"),
        inputs=inputs,
        extra={
            **_manifest_facts(sessions, compared),
            "default": default,
            "without_gru4rec": without,
            "embeddings": _fingerprint(workspace.embeddings) if vectors is not None else "",
        },
    )
    network.remove_state()
    score = compared.scores.get(default)
    told = "" if score is None else f", MRR@20 {score.mrr:.3f} on the last days"
    parts = [f"{len(sessions)} sessions of {n_played} tracks; default {default}{told}"]
    parts += [f"gru4rec not trained: {without}"] if without else []
    parts += [left_out] if (left_out := sessions.left_out.summary()) else []
    return "; ".join(parts)


class _GRUTraining:
    """GRU4Rec of a workspace, and its checkpoints for killed runs."""

    def __init__(
        self,
        config: GRU4RecConfig,
        *,
        vectors: Embeddings | None,
        state: Path,
        progress: Progress,
    ) -> None:
        self._config, self._vectors = config, vectors
        self._state, self._progress = state, progress
        self.space = None if vectors is None else ContentSpace.fit(vectors.vectors)

    def score_epochs(self, train: Sessions, score: ScoreEpoch) -> list[Scores]:
        """Scores after each epoch on held-out sessions."""
        return score_epochs(train, config=self._config, score=score, **self._options("validation"))

    def train(self, sessions: Sessions, *, n_epochs: int | None) -> GRUModel:
        """Train on all sessions, for a number of epochs or the maximum."""
        config = self._config.model_copy(update={"n_epochs": n_epochs or self._config.n_epochs})
        network = train_gru4rec(sessions, config=config, **self._options("all"))
        model = GRUModel.from_network(network)
        if self._vectors is None or self.space is None:
            return model
        content = content_of(self._vectors, sessions.item_ids, space=self.space)
        return place_by_content(model, sessions, content, seed=config.seed)

    def _options(self, name: str) -> dict[str, Any]:
        return {
            "checkpoint": self._state / f"{name}.safetensors",
            "progress": lambda _stage, *about: self._progress(f"sessions ({name})", *about),
        }  # fmt: skip

    def remove_state(self) -> None:
        """Remove the checkpoints."""
        for name in ("validation", "all"):
            (self._state / f"{name}.safetensors").unlink(missing_ok=True)
        if self._state.is_dir() and not any(self._state.iterdir()):
            self._state.rmdir()


def _default(config: SessionsConfig, compared: Comparison, *, has_gru: bool) -> str:
    """Name of the model that answers by default."""
    default = compared.best if config.model == "auto" else config.model
    return "vsknn" if default == "gru4rec" and not has_gru else default


def _manifest_facts(sessions: Sessions, compared: Comparison) -> dict[str, Any]:
    """Facts about the sessions and the comparison for the manifest."""
    return {
        "validation": {
            name: {"hr@20": one.hr, "mrr@20": one.mrr} for name, one in compared.scores.items()
        },
        "gru4rec_epochs": compared.epochs,
        "sessions": len(sessions),
        "events": sessions.n_events,
        "left_out": sessions.left_out._asdict(),
    }


def _fingerprint(directory: Path) -> str:
    return artifacts.load_manifest(directory, kind="embeddings").fingerprint
