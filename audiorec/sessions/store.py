"""Store of the session models: the artifact of kind "sessions", as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.sessions.base import SessionModel
from audiorec.sessions.content_pca import ContentSpace
from audiorec.sessions.gru4rec_numpy import GRUModel
from audiorec.sessions.neighbours import SessionNeighbours
from audiorec.sessions.popularity import Popularity
from audiorec.sessions.rules import SequentialRules

KIND = "sessions"
MODELS = ("gru4rec", "vsknn", "sknn", "rules", "popularity")
NEIGHBOURS, RULES, GRU = "neighbours", "rules", "gru"


class StoredModels:
    """Session models of one workspace, each opened on first use.

    Parameters
    ----------
    directory : Path
        Artifact of kind "sessions".

    Raises
    ------
    ArtifactError
        If the artifact is missing or damaged.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.manifest = artifacts.load_manifest(directory, kind=KIND)
        self.ids = self._array("ids")
        self._models: dict[str, SessionModel] = {}

    @property
    def default(self) -> str:
        """The model with the best MRR@20 on the last days."""
        return str(self.manifest.extra["default"])

    def row(self, track_id: str) -> int | None:
        """Row of an item; None if it is unknown."""
        row = int(np.searchsorted(self.ids, track_id))
        return row if row < len(self.ids) and str(self.ids[row]) == track_id else None

    @cached_property
    def plays(self) -> np.ndarray:
        """Plays of each item in sessions : np.ndarray [shape=(n_items,)], int64."""
        return self._array("plays")

    def played_row(self, track_id: str) -> int | None:
        """Row of an item with plays in sessions; None for one known by its content alone."""
        row = self.row(track_id)
        return row if row is not None and self.plays[row] > 0 else None

    def model(self, name: str) -> SessionModel:
        """Open one of `MODELS`."""
        if name not in MODELS:
            raise ParameterError(f"model={name!r} must be auto or one of {', '.join(MODELS)}")
        if name not in self._models:
            self._models[name] = self._open(name)
        return self._models[name]

    @property
    def has_gru(self) -> bool:
        """Whether GRU4Rec was trained."""
        return f"{GRU}-items" in self.manifest.files

    @cached_property
    def gru(self) -> GRUModel:
        """Open GRU4Rec; raises `ArtifactError` if it was not trained."""
        if not self.has_gru:
            why = self.manifest.extra.get("without_gru4rec", "")
            raise ArtifactError(f"gru4rec was not trained: {why}; choose another --model")
        extra, arrays = self.manifest.extra, self._group(GRU)
        if "cold_bias" in extra and "project" in arrays:  # of a version whose map had no intercept
            intercept = np.zeros_like(arrays["project"][:1])
            intercept[:, -1] = extra["cold_bias"]
            arrays["project"] = np.concatenate([arrays["project"], intercept])
        return GRUModel.from_arrays(arrays, elu=float(extra["elu"]))

    @cached_property
    def content_space(self) -> ContentSpace | None:
        """Projection of content vectors; None if the models were trained without."""
        if "content-mean" not in self.manifest.files:
            return None
        mean = self._array("content-mean")
        if "content-scale" in self.manifest.files:  # of a version without axes: one per dimension
            return ContentSpace(mean, np.diag(1 / self._array("content-scale")))
        return ContentSpace(mean, self._array("content-axes"))

    def _open(self, name: str) -> SessionModel:
        if name == "gru4rec":
            return self.gru
        if name == "rules":
            return SequentialRules.from_arrays({**self._group(RULES), "plays": self.plays})
        if name == "popularity":
            return Popularity(self.plays)
        return SessionNeighbours(
            {**self._group(NEIGHBOURS), "plays": self.plays},
            kind="sknn" if name == "sknn" else "vsknn",
        )

    def _group(self, group: str) -> dict[str, np.ndarray]:
        """Arrays of one model, by its own names."""
        prefix = f"{group}-"
        names = [name for name in self.manifest.files if name.startswith(prefix)]
        return {name.removeprefix(prefix): self._array(name) for name in names}

    def _array(self, name: str) -> np.ndarray:
        if name not in self.manifest.files:
            raise ArtifactError(
                f"{self.directory} has no {name!r}; run 'audiorec sessions' to make it again"
            )
        return artifacts.load_array(self.directory, self.manifest, name)


def save_models(
    directory: Path,
    *,
    ids: tuple[str, ...],
    plays: np.ndarray,
    neighbours: SessionNeighbours,
    rules: SequentialRules,
    gru: GRUModel | None,
    space: ContentSpace | None,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    extra: Mapping[str, Any],
) -> None:
    """Write the artifact of `StoredModels`; `ids` ascending, `gru` if it was trained."""
    arrays = {"ids": np.array(ids, dtype=np.str_), "plays": plays}
    for group, model in ((NEIGHBOURS, neighbours), (RULES, rules), (GRU, gru)):
        if model is None:
            continue
        own = {n: a for n, a in model.to_arrays().items() if n != "plays"}
        arrays.update({f"{group}-{name}": array for name, array in own.items()})
    if gru is not None and gru.project is not None and space is not None:
        arrays.update({"content-mean": space.mean, "content-axes": space.axes})
    about_gru = {} if gru is None else {"elu": gru.elu}
    artifacts.save(
        directory, kind=KIND, arrays=arrays, config=config, inputs=inputs,
        extra={**extra, **about_gru},
    )  # fmt: skip
