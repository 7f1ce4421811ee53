"""The stage that learns: from factors and sound to a model."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.lesson import Lesson, lesson_of
from audiorec.pipeline.interactions import filtered_interactions
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress
from audiorec.ranks import team
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.tracks import Track
    from audiorec.engines import Engine
    from audiorec.factors import WeightedError
    from audiorec.mel import MelStore
    from audiorec.models.checkpoint import Checkpoint
    from audiorec.pretrained.heard import Heard
    from audiorec.pretrained.transfer import Model
    from audiorec.training.curves import EpochRow

TRAINING_STATE = ".training"


class Learning:
    """What a recipe's model is learned from, and how; see `Pipeline` for the parameters."""

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
        self._team = team()

    def fetch_early(self) -> None:
        """Fetch what a model is to begin with before the hours of work that it would follow."""
        if not self.recipe.model.pretrained:
            return
        stands = artifacts.load_valid(self.workspace.model, kind="model")
        if stands is None or stands.config != self._model_config():
            with self._team.first_alone():
                self._fetch()

    def run(self) -> str | None:
        """Train where the model is stale; what came of it in words, or None where it was not."""
        from audiorec.mel import MelStore

        store = MelStore(self.workspace.mels)
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            tracks = {track.track_id: track for track in catalog.tracks()}
        if self.recipe.model.target == "sound":
            return self._train_on_sound(store, tracks)
        lesson = lesson_of(self.workspace, self.recipe.model, store=store, tracks=tracks)
        if self._looks_at_plays():
            factors = artifacts.load_manifest(self.workspace.factors, kind="factors")
            lesson = lesson._replace(inputs={**lesson.inputs, "listening": factors.fingerprint})
        if self._model_stands(lesson.inputs):
            return None
        if self.recipe.model.pretrained:
            return self._train_head(store, lesson, together=self._duplicates(store, tracks))
        return self._train_network(store, lesson, together=self._duplicates(store, tracks))

    def _duplicates(self, store: MelStore, tracks: Mapping[str, Track]) -> dict[str, int]:
        from audiorec.mel.duplicates import duplicates_of

        return duplicates_of(store, tracks)

    def _train_network(
        self, store: MelStore, lesson: Lesson, *, together: Mapping[str, int]
    ) -> str:
        """Train a network of one's own."""
        from audiorec.training import train

        result = train(
            store,
            lesson.targets,
            groups=lesson.groups,
            model=self.recipe.model,
            config=self.recipe.train,
            listening=self._weighted_error(),
            work_directory=self.workspace.root / TRAINING_STATE,
            space=lesson.inputs["factors"],
            progress=self.progress,
            unlabelled=lesson.unlabelled,
            listeners=lesson.listeners,
            together=together,
        )
        self._keep_model(result.checkpoint, result.history, inputs=lesson.inputs)
        best = min(row.validation_loss for row in result.history)
        return (
            f"{len(lesson.targets)} tracks, {len(result.history)} epochs, "
            f"validation loss {best:.4f}{_beside_sound(result.checkpoint)}"
            f"{_believed(result.checkpoint)}"
        )

    def _model_stands(self, inputs: Mapping[str, str]) -> bool:
        """Whether the model was made from these inputs, as the first process finds."""
        config = self._model_config()
        return self._team.agree(
            artifacts.is_fresh(self.workspace.model, kind="model", inputs=inputs, config=config)
        )

    def _keep_model(
        self, model: Model, history: Sequence[EpochRow] = (), *, inputs: Mapping[str, str]
    ) -> None:
        """Store what was learned, and what its losses were; the others wait for the first."""
        from audiorec.models.checkpoint import save_checkpoint
        from audiorec.pretrained.transfer import Transfer, save_transfer
        from audiorec.training.curves import plot_history

        with self._team.first_alone():
            if not self._team.first:
                return
            if isinstance(model, Transfer):
                save_transfer(self.workspace.model, model, inputs=inputs)
            else:
                plot_history(history, self.workspace.reports / "training.png")
                save_checkpoint(self.workspace.model, model, inputs=inputs)
            shutil.rmtree(self.workspace.root / TRAINING_STATE, ignore_errors=True)

    def _weighted_error(self) -> WeightedError | None:
        """The listening that the factors were fitted to, where the loss looks at it."""
        from audiorec.factors import WeightedError, load_factors

        if not self._looks_at_plays():
            return None
        plays, _ = filtered_interactions(self.workspace, self.recipe)
        factors = load_factors(self.workspace.factors)
        return WeightedError(factors, plays, config=self.recipe.factors)

    def _looks_at_plays(self) -> bool:
        """Whether the loss looks at the plays themselves, not at the factors alone."""
        from audiorec.models.losses import LOSSES

        return LOSSES[self.recipe.train.loss].needs == "form"

    def _model_config(self) -> dict[str, Any]:
        """The settings that a model follows."""
        return {
            name: getattr(self.recipe, name).model_dump(mode="json")
            for name in ("mel", "model", "train")
        }

    def _train_head(self, store: MelStore, lesson: Lesson, *, together: Mapping[str, int]) -> str:
        """Learn what follows a pretrained encoder: a head, or its last layers too."""
        from audiorec.training import learn

        model, history = learn(
            store,
            lesson.targets,
            heard=self.heard(store),
            groups=lesson.groups,
            model=self.recipe.model,
            config=self.recipe.train,
            listening=self._weighted_error(),
            work_directory=self.workspace.root / TRAINING_STATE,
            space=lesson.inputs["factors"],
            progress=self.progress,
            together=together,
        )
        self._keep_model(model, history, inputs=lesson.inputs)
        return (
            f"{len(lesson.targets)} tracks heard by {self.recipe.model.encoder}, cosine to the "
            f"factors of artists left out {model.agreement:.2f}{_beside_sound(model)}"
        )

    def _train_on_sound(self, store: MelStore, tracks: Mapping[str, Track]) -> str | None:
        """Fit a space of sound alone."""
        groups = {i: _grouped_by(tracks[i]) for i in store.ids if i in tracks}
        examples = [[i, store.clip_hash(i), group] for i, group in groups.items()]
        inputs = {"examples": artifacts.fingerprint(examples)}
        if self._model_stands(inputs):
            return None
        from audiorec.pretrained.sound import SoundSpace
        from audiorec.pretrained.transfer import fit_library

        transfer = fit_library(
            self.heard(store), groups=groups, model=self.recipe.model, train=self.recipe.train
        )
        self._keep_model(transfer, inputs=inputs)
        assert isinstance(transfer.head, SoundSpace)
        return f"{len(groups)} tracks heard by {transfer.encoder}; {transfer.head.summary()}"

    def heard(self, store: MelStore) -> Heard:
        """What the recipe's frozen network hears; its weights are fetched where they are not."""
        from audiorec.pretrained.heard import hear_store

        model = self.recipe.model
        with self._team.first_alone():  # what the first has heard is there for the others
            self._fetch()
            return hear_store(
                store,
                encoder=model.encoder,
                directory=self.workspace.heard,
                n_jobs=self.n_jobs,
                device=self.recipe.train.device,
                engine=self.engine,
                progress=self.progress,
            )

    def _fetch(self) -> None:
        """Fetch the recipe's pretrained weights where they are not."""
        from audiorec.pretrained import fetch, find, is_fetched

        package = find(self.recipe.model.encoder).package
        if not is_fetched(package):
            fetch(package.name, progress=self.progress)


def _believed(model: Checkpoint) -> str:
    """What of the network's answers is not believed, in words."""
    popularity = ", popularity levelled" if model.common is not None else ""
    return popularity + (", shrunk along what is not heard" if model.shrinkage is not None else "")


def _beside_sound(model: Model) -> str:
    """What an artist's other tracks are worth, in words."""
    share = model.artists.share
    return f", the artist's others count up to {100 * share:.0f} %" if share else ""


def _grouped_by(track: Track) -> str:
    """What a track is likely to sound alike with: its artist, else its album, else nothing."""
    if not track.artist and track.album:
        return f"\0album {track.album.strip().casefold()}"
    return track.artist_key
