"""Training stage: a content model from factors and audio."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.distributed import process_group
from audiorec.mel import MelStore, duplicates_of
from audiorec.pipeline.recipe import Recipe
from audiorec.pipeline.training_inputs import training_inputs
from audiorec.progress import Progress
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.local_or_ray import Engine
    from audiorec.models import ContentModel, FeatureStore
    from audiorec.training import EpochRow, TrainResult

# Imports in functions: torch, needed only if the model is stale.


class TrainStage:
    """Training of a recipe's model if stale; see `Pipeline` for the parameters."""

    def __init__(
        self,
        workspace: Workspace,
        recipe: Recipe,
        *,
        n_jobs: int | None,
        engine: Engine,
        progress: Progress,
    ) -> None:
        self.workspace = workspace
        self.recipe = recipe
        self.n_jobs = n_jobs
        self.engine: Engine = engine
        self.progress = progress
        self._processes = process_group()

    def fetch_early(self) -> None:
        """Fetch pretrained weights early, before hours of other work."""
        if not self.recipe.model.pretrained:
            return
        stands = artifacts.load_valid(self.workspace.model, kind="model")
        if stands is None or artifacts.current_settings(stands.config) != self._config():
            with self._processes.rank_zero_first():
                self._fetch()

    def run(self) -> str | None:
        """Train if the model is stale; return a summary, or None if it was not."""
        store = MelStore(self.workspace.mels)
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            tracks = {track.track_id: track for track in catalog.tracks()}
        if self.recipe.model.target == "content":
            return self._fit_content(store)
        inputs = training_inputs(self.workspace, store=store, tracks=tracks)
        if self._is_fresh(inputs.digests):
            return None
        from audiorec.training import train

        model = self.recipe.model
        result = train(
            store,
            inputs.targets,
            artists=inputs.artists,
            model=model,
            config=self.recipe.train,
            features=self.features(store) if model.pretrained or model.frozen else None,
            work_directory=self.workspace.training_state,
            space=inputs.digests["factors"],
            progress=self.progress,
            duplicates=duplicates_of(store, tracks),
        )
        self._save_model(result.model, result.history, inputs=inputs.digests)
        return _summary(result, n_tracks=len(inputs.targets))

    def _fit_content(self, store: MelStore) -> str | None:
        """Fit a model of content alone."""
        inputs = {"examples": artifacts.fingerprint([[i, store.clip_hash(i)] for i in store.ids])}
        if self._is_fresh(inputs):
            return None
        from audiorec.training import fit_content_model

        model = fit_content_model(
            self.features(store), model=self.recipe.model, config=self.recipe.train
        )
        self._save_model(model, inputs=inputs)
        return (
            f"{len(store.ids)} tracks encoded by {self.recipe.model.encoder}, "
            f"{model.n_outputs} features standardised"
        )

    def _is_fresh(self, inputs: Mapping[str, str]) -> bool:
        """Whether the model was made from these inputs, as checked by rank 0."""
        return self._processes.broadcast(
            artifacts.is_fresh(
                self.workspace.model, kind="model", inputs=inputs, config=self._config()
            )
        )

    def _save_model(
        self,
        model: ContentModel,
        history: Sequence[EpochRow] = (),
        *,
        inputs: Mapping[str, str],
    ) -> None:
        """Store a model with its losses; other processes wait for rank 0."""
        from audiorec.models import save_model
        from audiorec.training import plot_history

        with self._processes.rank_zero_first():
            if not self._processes.first:
                return
            if history:
                plot_history(history, self.workspace.reports / "training.png")
            save_model(self.workspace.model, model, inputs=inputs)
            shutil.rmtree(self.workspace.training_state, ignore_errors=True)

    def _config(self) -> dict[str, Any]:
        """Return the settings that a model depends on."""
        return {
            name: getattr(self.recipe, name).model_dump(mode="json")
            for name in ("mel", "model", "train")
        }

    def features(self, store: MelStore) -> FeatureStore:
        """Return features of the recipe's frozen encoder; missing weights are fetched."""
        from audiorec.models import compute_features

        with self._processes.rank_zero_first():  # rank 0 encodes for all
            self._fetch()
            return compute_features(
                store,
                encoder=self.recipe.model.encoder,
                directory=self.workspace.features,
                n_jobs=self.n_jobs,
                device=self.recipe.train.device,
                engine=self.engine,
                progress=self.progress,
            )

    def _fetch(self) -> None:
        """Fetch the recipe's pretrained weights if missing."""
        from audiorec.models.pretrained import fetch, is_fetched

        if self.recipe.model.pretrained and not is_fetched():
            fetch(self.recipe.model.encoder, progress=self.progress)


def _summary(result: TrainResult, *, n_tracks: int) -> str:
    """Summarize a training, with a warning if the result is unreliable."""
    text = f"{n_tracks} tracks, {result.model.config.encoder}"
    if result.history:
        best = min(row.validation_loss for row in result.history)
        text += f", {len(result.history)} epochs, validation loss {best:.4f}"
    text += f", cosine to the factors of artists left out {result.model.agreement:.2f}"
    if result.learned is not None:
        text += f" (of one vector for all {result.learned.cosine_of_mean:.2f})"
    k = result.model.smoothing.k
    if k is not None:
        text += f", smoothed towards the artist's other tracks by n / (n + {k:g})"
    if result.model.warning:
        text += f"; WARNING: {result.model.warning}"
    return text
