"""Stages of the pipeline, each run if it is stale.

A stage is stale if its artifact is missing or was made from other inputs or settings; otherwise it
does nothing. Every stage writes its artifact atomically, so the next run continues one that was
killed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from audiorec import artifacts
from audiorec.audio import IDENTITY_CLIP, MelConfig
from audiorec.data.catalog import Catalog, as_text
from audiorec.distributed import process_group
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, NoSessionsError, NotFoundError
from audiorec.external_embeddings import index_imported
from audiorec.factors import save_factors
from audiorec.mel import MelStore, ScannedMels, compute_mels
from audiorec.mel.store import unlike
from audiorec.pipeline.descriptors import take_scanned
from audiorec.pipeline.factors import factor_settings, fit_listening
from audiorec.pipeline.index import run_index
from audiorec.pipeline.map import missing_map, run_map
from audiorec.pipeline.name_matcher import rematch_plays
from audiorec.pipeline.recipe import Recipe
from audiorec.pipeline.recipe_choice import current_recipe, is_recipe_pending, remembered
from audiorec.pipeline.sessions import missing_sessions, run_sessions
from audiorec.pipeline.train import TrainStage
from audiorec.progress import Progress, silent
from audiorec.scan import ScannedDescriptors, scan
from audiorec.scan.files import absolute
from audiorec.scan.read_file import Also, do_all
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.local_or_ray import Engine

STAGES = ("mel", "factors", "train", "embed", "index", "sessions", "map")
Check = Literal["digests", "sizes"]


class StageReport(NamedTuple):
    """Report of a stage: its name, whether it ran, a summary, and seconds."""

    stage: str
    worked: bool
    summary: str
    seconds: float


class Pipeline:
    """Pipeline of a workspace, by a recipe.

    Parameters
    ----------
    workspace : Workspace
    recipe : Recipe, optional
        By default see `current_recipe`.
    remember : bool
        Whether the user named `recipe`, so that it becomes the workspace's.
    n_jobs : int, optional
        Worker processes for decoding; by default one per core.
    engine : {"local", "ray"}
        Executor of spectrograms, embeddings, and features of a pretrained encoder; see
        `audiorec.local_or_ray`.
    progress : Progress
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        recipe: Recipe | None = None,
        remember: bool = True,
        n_jobs: int | None = None,
        engine: Engine = "local",
        progress: Progress = silent,
    ) -> None:
        self.workspace = workspace
        self.recipe = recipe or current_recipe(workspace)
        self._remember = remember and (recipe is not None or is_recipe_pending(workspace))
        self.n_jobs = n_jobs
        self.engine: Engine = engine
        self.progress = progress
        self._check: Check = "digests"
        self._train = TrainStage(
            workspace, self.recipe, n_jobs=n_jobs, engine=engine, progress=progress
        )

    def scanned_mels(self) -> ScannedMels | None:
        """Return the store for a scan's spectrograms; None if a scan decodes other clips."""
        return ScannedMels.if_same_clip(
            self.workspace.scanned_mels, self.recipe.mel, decoded=IDENTITY_CLIP
        )

    def scan_also(self, *, descriptors: bool = False) -> Also | None:
        """Return the further work of a scan on every clip that it decodes.

        Parameters
        ----------
        descriptors : bool
            Whether to measure descriptors; always done if there are some already.
        """
        scanned = self.scanned_mels()
        work: list[Also] = [] if scanned is None else [scanned.store]
        if descriptors or artifacts.exists(self.workspace.descriptors):
            work.append(ScannedDescriptors(self.workspace.scanned_descriptors).store)
        return partial(do_all, tuple(work)) if work else None

    def run(self, stages: Sequence[str] = STAGES, *, check: Check = "digests") -> list[StageReport]:
        """Run `stages` in order, each if it is stale; remember the recipe on success.

        Parameters
        ----------
        stages : sequence of str
        check : {"digests", "sizes"}
            Whether spectrograms and plays are verified byte by byte, so that damage is repaired
            or reported, or by their files' sizes only.

        Raises
        ------
        AudiorecError
            From the stage that fails; results of earlier stages are kept.
        """
        first = process_group().first
        remember = first and self._remember
        with remembered(self.workspace, self.recipe) if remember else nullcontext():
            return self._run(stages, check=check)

    def _run(self, stages: Sequence[str], *, check: Check) -> list[StageReport]:
        self._check = check
        reports = []
        imported = self._imported()
        if {"mel", "train"} <= set(stages) and not imported and not self._silent_catalog:
            self._train.fetch_early()
        for stage in stages:
            start = time.monotonic()
            if why := self._reason_to_skip(stage, stages, imported):
                reports.append(StageReport(stage, False, f"not needed: {why}", 0.0))
                continue
            work = self._train.run if stage == "train" else getattr(self, f"_{stage}")
            try:
                summary = work()
            except NoSessionsError as error:
                if len(stages) == 1:
                    raise
                reports.append(
                    StageReport(stage, False, f"not needed: {error}", time.monotonic() - start)
                )
                continue
            done = summary or "up to date"
            reports.append(StageReport(stage, summary is not None, done, time.monotonic() - start))
        return reports

    def _reason_to_skip(self, stage: str, stages: Sequence[str], imported: str) -> str:
        """Return the reason to skip a stage; empty if it may run."""
        if imported and stage not in ("index", "sessions", "map"):
            return f"the vectors were imported from {imported}"
        if stage == "factors" and self.recipe.model.target == "content":
            return "tracks are placed by content alone"
        if len(stages) == 1:  # run alone, it reports missing inputs as an error
            return ""
        if stage in ("sessions", "map"):
            missing = missing_sessions if stage == "sessions" else missing_map
            return missing(self.workspace)
        if self._silent_catalog and self._plays_alone:
            return "no music is catalogued" if stage != "factors" else ""
        return ""

    @cached_property
    def _plays_alone(self) -> bool:
        """Whether there are plays to learn from, even without audio."""
        if not missing_sessions(self.workspace):
            return True
        plays = artifacts.load_valid(self.workspace.plays, kind="plays", check="manifest")
        return plays is not None and self.recipe.model.target != "content"

    @cached_property
    def _silent_catalog(self) -> bool:
        """Whether no file is catalogued, so that only plays can be learned from."""
        if not self.workspace.catalog.exists():
            return True
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            return not len(catalog)

    def _sessions(self) -> str | None:
        return run_sessions(self.workspace, self.recipe, check=self._check, progress=self.progress)

    def _map(self) -> str | None:
        return run_map(self.workspace, n_jobs=self.n_jobs, progress=self.progress)

    def _imported(self) -> str:
        """Return the name of the file of imported vectors; empty if they were not imported.

        Raises `ArtifactError` if they were imported and their manifest is damaged: no stage can
        remake it, and other artifacts do not go with imported vectors.
        """
        place = self.workspace.embeddings
        stands = artifacts.load_valid(place, kind="embeddings", check="manifest")
        if stands is None and artifacts.was_imported(self.workspace.root):
            stands = artifacts.load_manifest(place, kind="embeddings", check="manifest")  # raises
        return "" if stands is None else str(stands.extra.get("imported", ""))

    def _mel(self) -> str | None:
        with Catalog(self.workspace.catalog) as catalog:
            if self._check == "digests":
                catalog.check()
            if not len(catalog):
                raise NotFoundError("the catalogue is empty; add music with 'audiorec scan'")
            report = compute_mels(
                self.workspace.mels,
                catalog,
                config=self.recipe.mel,
                n_jobs=self.n_jobs,
                engine=self.engine,
                check=self._check,
                scanned=self.scanned_mels(),
                progress=self.progress,
            )
        if not report.computed and not report.failed:
            return None
        failed = f", {report.failed} failed" if report.failed else ""
        return f"{report.computed} computed, {report.kept} kept{failed}"

    def _factors(self) -> str | None:
        settings = factor_settings(self.recipe)
        plays = artifacts.load_manifest(self.workspace.plays, kind="plays", check=self._check)
        inputs = {"plays": plays.fingerprint} | {
            name: artifacts.fingerprint(value) for name, value in settings.items()
        }
        config = self.recipe.factors.model_dump(mode="json")
        if artifacts.is_fresh(self.workspace.factors, kind="factors", inputs=inputs, config=config):
            return None
        fitted = fit_listening(self.workspace, self.recipe, progress=self.progress)
        save_factors(
            self.workspace.factors,
            fitted.factors,
            config=config,
            inputs=inputs,
            extra={**settings, "suspects": len(fitted.suspects)},
        )
        note = fitted.suspects.summary()
        if note:
            return f"{fitted.summary}; {note}: see 'audiorec status --suspects'"
        return fitted.summary

    def _embed(self) -> str | None:
        store = MelStore(self.workspace.mels)
        inputs = self._model_inputs()
        self._check_mels(store)
        known: Embeddings | None = None
        place = self.workspace.embeddings
        manifest = artifacts.load_valid(place, kind="embeddings")
        if (
            manifest is not None
            and manifest.inputs == inputs
            and not artifacts.damaged(place, manifest)
        ):
            known = Embeddings.load(place)
        wanted = set(store.ids)
        if known is not None and set(known.ids) == wanted:
            return None
        fresh_ids = [i for i in store.ids if known is None or i not in known]
        made = self._embedded(store, fresh_ids)
        if known is not None:
            made = known.take([i for i in known.ids if i in wanted]).updated(made)
        made.take(sorted(made.ids)).save(self.workspace.embeddings, inputs=inputs)
        return f"{len(fresh_ids)} embedded, {len(made)} in all"

    def _embedded(self, store: MelStore, ids: Sequence[str]) -> Embeddings:
        # here: it loads torch
        from audiorec.inference import check_mels, embed_elsewhere, embed_store, load_model

        model = load_model(self.workspace.model)
        check_mels(model, store.config)
        if self.engine == "local" or model.config.frozen:
            features = self._train.features(store) if model.config.frozen else None
            return embed_store(model, store, ids=ids, features=features, progress=self.progress)
        return embed_elsewhere(
            self.workspace.model,
            store,
            engine=self.engine,
            ids=ids,
            n_jobs=self.n_jobs,
            progress=self.progress,
        )

    def _index(self) -> str | None:
        if self._imported():
            return index_imported(self.workspace, config=self.recipe.index)
        return run_index(self.workspace, self.recipe, progress=self.progress)

    def _check_mels(self, store: MelStore) -> None:
        """Raise `ArtifactError` unless the spectrograms have the model's settings."""
        model = artifacts.load_manifest(self.workspace.model, kind="model")
        if line := unlike(MelConfig(**model.config.get("mel", {})), store.config):
            raise ArtifactError(line)

    def _model_inputs(self) -> dict[str, str]:
        model = artifacts.load_manifest(self.workspace.model, kind="model")
        space = {"factors": model.inputs["factors"]} if "factors" in model.inputs else {}
        return {"model": model.fingerprint, **space}

    def add(self, files: Sequence[Path]) -> list[str]:
        """Scan, embed and index new files with the existing model, without retraining.

        Parameters
        ----------
        files : sequence of Path
            Audio files, or folders of them.

        Returns
        -------
        track_ids : list of str
            Ids of all files that could be decoded, new or known before.

        Raises
        ------
        ArtifactError
            If there is no model, or its mel settings differ from the workspace's.
        """
        artifacts.load_manifest(self.workspace.model, kind="model")
        with Catalog(self.workspace.catalog) as catalog:
            scan(catalog, files, n_jobs=self.n_jobs, also=self.scan_also(), progress=self.progress)
            take_scanned(self.workspace, catalog)
        rematch_plays(self.workspace, progress=self.progress)
        has_map = artifacts.exists(self.workspace.map)
        self.run(("mel", "embed", "index", *(("map",) if has_map else ())), check="sizes")
        stored = set(_stored_ids(self.workspace))
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            return [
                track.track_id
                for track in catalog.tracks()
                if track.track_id in stored and is_within_any(track.path, files)
            ]


def is_within_any(path: str, folders: Sequence[Path]) -> bool:
    """Whether a catalogued path is one of `folders`, or within one of them."""
    # As in the catalogue: symbolic links are kept, and undecodable bytes are escaped.
    where = Path(as_text(path))
    return any(where.is_relative_to(as_text(absolute(folder))) for folder in folders)


def _stored_ids(workspace: Workspace) -> tuple[str, ...]:
    return Embeddings.load(workspace.embeddings).ids
