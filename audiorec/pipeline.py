"""The stages of a recipe, each run where it is stale.

A stage is stale when its artifact is missing or was made from other inputs or settings; otherwise
it does nothing. Every stage leaves a whole artifact or the one before, so a run that is killed is
gone on with by the next.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from audiorec import artifacts
from audiorec.artifacts import write_atomic
from audiorec.config import MelConfig, Recipe
from audiorec.data.catalog import Catalog, as_text
from audiorec.exceptions import ArtifactError, NotFoundError
from audiorec.progress import Progress, silent
from audiorec.ranks import team
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.interactions import Interactions
    from audiorec.data.suspects import Suspects
    from audiorec.data.tracks import Track
    from audiorec.embeddings import Embeddings
    from audiorec.engines import Engine
    from audiorec.factors import WeightedError
    from audiorec.mel import MelStore
    from audiorec.mel.ahead import Ahead
    from audiorec.pretrained.heard import Heard
    from audiorec.pretrained.transfer import Model
    from audiorec.training.curves import EpochRow

TRAINING_STATE = ".training"
RECIPE, PENDING = "recipe.toml", ".recipe.toml"
STAGES = ("mel", "factors", "train", "embed", "index")
Check = Literal["digests", "sizes"]


class StageReport(NamedTuple):
    """What a stage did: its name, whether it worked at all, a line for people, and seconds."""

    stage: str
    worked: bool
    summary: str
    seconds: float


class Pipeline:
    """A workspace and the recipe that its artifacts follow.

    Parameters
    ----------
    workspace : Workspace
    recipe : Recipe, optional
        By default the one that the workspace was last run with, or the default recipe.
    n_jobs : int, optional
        Worker processes for decoding; by default one per core.
    engine : {"local", "ray"}
        Who computes spectrograms and embeddings, and hears for a pretrained encoder; see
        `audiorec.engines`.
    progress : Progress
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        recipe: Recipe | None = None,
        n_jobs: int | None = None,
        engine: Engine = "local",
        progress: Progress = silent,
    ) -> None:
        self.workspace = workspace
        self.recipe = recipe or current_recipe(workspace)
        self.n_jobs = n_jobs
        self.engine: Engine = engine
        self.progress = progress
        self._check: Check = "digests"
        self._team = team()

    def ahead(self) -> Ahead | None:
        """Where a scan puts the recipe's spectrograms, where it decodes what they are made of."""
        from audiorec.mel.ahead import Ahead
        from audiorec.scan.hear import IDENTITY

        return Ahead.where_alike(self.workspace.ahead, self.recipe.mel, clip=IDENTITY)

    def run(self, stages: Sequence[str] = STAGES, *, check: Check = "digests") -> list[StageReport]:
        """Run `stages` in order, each where it is stale; remember the recipe if all went well.

        Parameters
        ----------
        stages : sequence of str
        check : {"digests", "sizes"}
            Whether every byte of the spectrograms and the listening is read, to make again or
            name what is damaged, or their files' sizes are looked at alone.

        Raises
        ------
        AudiorecError
            From the stage that cannot be done; the stages before it stay done.
        """
        with self._remembered():
            return self._run(stages, check=check)

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        """Make the recipe the workspace's when the block ends well.

        One that fails leaves the one before. One that is killed leaves it pending, so that the
        next goes on with it.
        """
        if not self._team.first:
            yield
            return
        pending = self.workspace.root / PENDING
        write_atomic(pending, self.recipe.to_toml().encode())
        try:
            yield
        except Exception:
            pending.unlink(missing_ok=True)
            raise
        pending.replace(self.workspace.root / RECIPE)

    def _run(self, stages: Sequence[str], *, check: Check) -> list[StageReport]:
        self._check = check
        reports = []
        imported = self._imported()
        if {"mel", "train"} <= set(stages) and not imported:
            self._fetch_early()
        for stage in stages:
            start = time.monotonic()
            if imported and stage != "index":
                why = f"not needed: the vectors were imported from {imported}"
                reports.append(StageReport(stage, False, why, 0.0))
                continue
            if stage == "factors" and self.recipe.model.target == "sound":
                reports.append(StageReport(stage, False, "not needed: sound alone places", 0.0))
                continue
            summary = getattr(self, f"_{stage}")()
            done = summary or "up to date"
            reports.append(StageReport(stage, summary is not None, done, time.monotonic() - start))
        return reports

    def _imported(self) -> str:
        """Name of the file that the vectors were imported from; empty where they are our own.

        Raises `ArtifactError` where they were imported and their manifest is damaged: no stage
        can make it again, and what the first would make could not stand beside imported vectors.
        """
        place = self.workspace.embeddings
        stands = artifacts.standing(place, kind="embeddings", check="manifest")
        if stands is None and artifacts.was_imported(self.workspace.root):
            stands = artifacts.load_manifest(place, kind="embeddings", check="manifest")  # raises
        return "" if stands is None else str(stands.extra.get("imported", ""))

    def _fetch_early(self) -> None:
        """Fetch what a model is to begin with before the hours of work that it would follow."""
        if not self.recipe.model.pretrained:
            return
        stands = artifacts.standing(self.workspace.model, kind="model")
        if stands is None or stands.config != self._model_config():
            with self._team.first_alone():
                self._fetch()

    def _fetch(self) -> None:
        """Fetch the recipe's pretrained weights where they are not."""
        from audiorec.pretrained import fetch, find, is_fetched

        package = find(self.recipe.model.encoder).package
        if not is_fetched(package):
            fetch(package.name, progress=self.progress)

    def _mel(self) -> str | None:
        from audiorec.mel import compute_mels

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
                ahead=self.ahead(),
                progress=self.progress,
            )
        if not report.computed and not report.failed:
            return None
        failed = f", {report.failed} failed" if report.failed else ""
        return f"{report.computed} computed, {report.kept} kept{failed}"

    def _factors(self) -> str | None:
        listening = self.recipe.listening.model_dump(mode="json")
        plays = artifacts.load_manifest(self.workspace.plays, kind="plays", check=self._check)
        inputs = {
            "plays": plays.fingerprint,
            "listening": artifacts.fingerprint(listening),
        }
        config = self.recipe.factors.model_dump(mode="json")
        if artifacts.is_fresh(self.workspace.factors, kind="factors", inputs=inputs, config=config):
            return None
        from audiorec.factors import fit_factors, save_factors

        interactions, suspects = self._believed()
        factors = fit_factors(interactions, config=self.recipe.factors, progress=self.progress)
        save_factors(
            self.workspace.factors,
            factors,
            config=config,
            inputs=inputs,
            extra={"listening": listening, "suspects": len(suspects)},
        )
        summary = (
            f"{len(factors.users)} listeners, {len(factors.tracks)} tracks; "
            f"left out {interactions.users_left_out} listeners and "
            f"{interactions.tracks_left_out} tracks with too few plays"
        )
        said = suspects.summary()
        return f"{summary}; {said}: see 'audiorec status --suspects'" if said else summary

    def _believed(self) -> tuple[Interactions, Suspects]:
        """The plays that factors are fitted to, and whom they leave out."""
        from audiorec.data.interactions import load_plays, to_interactions
        from audiorec.data.suspects import check_keep, find_suspects

        plays = load_plays(self.workspace.plays)
        check_keep(plays, config=self.recipe.listening)
        suspects = find_suspects(plays, config=self.recipe.listening)
        interactions = to_interactions(
            suspects.without(plays),
            rating_plays=self.recipe.listening.rating_plays,
            min_tracks_per_user=self.recipe.factors.min_tracks_per_user,
            min_users_per_track=self.recipe.factors.min_users_per_track,
        )
        return interactions, suspects

    def _train(self) -> str | None:
        from audiorec.factors import load_factors
        from audiorec.mel import MelStore

        store = MelStore(self.workspace.mels)
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            tracks = {track.track_id: track for track in catalog.tracks()}
        if self.recipe.model.target == "sound":
            return self._train_on_sound(store, tracks)
        factors = load_factors(self.workspace.factors)
        inputs = {"factors": _fingerprint(self.workspace.factors, "factors")}
        ids = [i for i in store.ids if i in factors.tracks and i in tracks]
        inputs["examples"] = artifacts.fingerprint([[i, tracks[i].clip_hash] for i in ids])
        groups = {i: tracks[i].artist_key for i in ids}
        unlabelled: list[str] = []
        if self.recipe.model.described and self.recipe.model.discriminants:
            unlabelled = [i for i in store.ids if i in tracks and i not in factors.tracks]
            groups |= {i: tracks[i].artist_key for i in unlabelled}
        if self.recipe.model.taught_by_artists:
            by_artist = [[i, tracks[i].clip_hash, group] for i, group in groups.items()]
            inputs["artists"] = artifacts.fingerprint(by_artist)
        if self._model_stands(inputs):
            return None
        if self.recipe.model.pretrained:
            return self._train_head(store, factors.tracks.take(ids), tracks, inputs=inputs)
        from audiorec.training import train

        result = train(
            store,
            factors.tracks.take(ids),
            groups=groups,
            model=self.recipe.model,
            config=self.recipe.train,
            listening=self._weighted_error(),
            work_directory=self.workspace.root / TRAINING_STATE,
            space=inputs["factors"],
            progress=self.progress,
            unlabelled=unlabelled,
        )
        self._keep_model(result.checkpoint, result.history, inputs=inputs)
        best = min(row.validation_loss for row in result.history)
        return (
            f"{len(ids)} tracks, {len(result.history)} epochs, validation loss {best:.4f}"
            f"{_beside_sound(result.checkpoint)}"
            f"{', popularity levelled' if result.checkpoint.common is not None else ''}"
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
        from audiorec.models.losses import LOSSES

        if LOSSES[self.recipe.train.loss].needs != "form":
            return None
        plays, _ = self._believed()
        factors = load_factors(self.workspace.factors)
        return WeightedError(factors, plays, config=self.recipe.factors)

    def _model_config(self) -> dict[str, Any]:
        """The settings that a model follows."""
        return {
            name: getattr(self.recipe, name).model_dump(mode="json")
            for name in ("mel", "model", "train")
        }

    def _train_head(
        self,
        store: MelStore,
        targets: Embeddings,
        tracks: Mapping[str, Track],
        *,
        inputs: dict[str, str],
    ) -> str:
        """Learn what follows a pretrained encoder: a head, or its last layers too."""
        from audiorec.training import learn

        model, history = learn(
            store,
            targets,
            heard=self._heard(store),
            groups={i: tracks[i].artist_key for i in targets.ids},
            model=self.recipe.model,
            config=self.recipe.train,
            listening=self._weighted_error(),
            work_directory=self.workspace.root / TRAINING_STATE,
            space=inputs["factors"],
            progress=self.progress,
        )
        self._keep_model(model, history, inputs=inputs)
        return (
            f"{len(targets)} tracks heard by {self.recipe.model.encoder}, cosine to the factors "
            f"of artists left out {model.agreement:.2f}{_beside_sound(model)}"
        )

    def _train_on_sound(self, store: MelStore, tracks: Mapping[str, Track]) -> str | None:
        """Fit a space of sound alone."""
        groups = {i: grouped_by(tracks[i]) for i in store.ids if i in tracks}
        examples = [[i, store.clip_hash(i), group] for i, group in groups.items()]
        inputs = {"examples": artifacts.fingerprint(examples)}
        if self._model_stands(inputs):
            return None
        from audiorec.pretrained.sound import SoundSpace
        from audiorec.pretrained.transfer import fit_library

        transfer = fit_library(
            self._heard(store), groups=groups, model=self.recipe.model, train=self.recipe.train
        )
        self._keep_model(transfer, inputs=inputs)
        assert isinstance(transfer.head, SoundSpace)
        return f"{len(groups)} tracks heard by {transfer.encoder}; {transfer.head.summary()}"

    def _heard(self, store: MelStore) -> Heard:
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

    def _embed(self) -> str | None:
        from audiorec.embeddings import Embeddings
        from audiorec.mel import MelStore

        store = MelStore(self.workspace.mels)
        inputs = self._model_inputs()
        self._check_mels(store)
        known: Embeddings | None = None
        place = self.workspace.embeddings
        manifest = artifacts.standing(place, kind="embeddings")
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
        from audiorec.inference import check_mels, embed_elsewhere, embed_store, load_model

        model = load_model(self.workspace.model)
        check_mels(model, store.config)
        if self.engine == "local" or model.model.frozen:
            heard = self._heard(store) if model.model.frozen else None
            return embed_store(model, store, ids=ids, heard=heard, progress=self.progress)
        return embed_elsewhere(
            self.workspace.model,
            store,
            engine=self.engine,
            ids=ids,
            n_jobs=self.n_jobs,
            progress=self.progress,
        )

    def _index(self) -> str | None:
        from audiorec.index.renew import renew_index
        from audiorec.index.stored import worn_out
        from audiorec.mel import MelStore
        from audiorec.recommend import merge_groups, near_duplicates
        from audiorec.spaces import artist_prior, artists_of, blend

        if self._imported():
            from audiorec.vectors import index_imported

            return index_imported(self.workspace, config=self.recipe.index)
        by_sound = self.recipe.model.target == "sound"
        inputs = {
            kind: _fingerprint(self.workspace.root / kind, kind)
            for kind in ("embeddings", "mels", *(() if by_sound else ("factors", "plays")))
        }
        artists: dict[str, str] = {}
        if not by_sound:
            model = artifacts.load_manifest(self.workspace.model, kind="model")
            if artist_prior(model).share:
                artists = artists_of(self.workspace)
                inputs["artists"] = artifacts.fingerprint(artists)
        config = self.recipe.index.model_dump(mode="json")
        stands = artifacts.is_fresh(
            self.workspace.index, kind="index", inputs=inputs, config=config
        )
        if stands and not worn_out(self.workspace.index):
            return None
        self.progress("index", 0, None)
        served = blend(
            self.workspace, half_listeners=self.recipe.index.half_listeners, artists=artists
        )
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            same_sound = catalog.duplicate_groups()
        groups = merge_groups(
            near_duplicates(
                MelStore(self.workspace.mels).prints(),
                threshold=self.recipe.index.duplicate_similarity,
            ),
            same_sound,
        )
        index = renew_index(
            self.workspace.index,
            served.tracks,
            config=self.recipe.index,
            work=self.workspace.root,
            listeners=None if served.factors is None else served.factors.users.vectors,
            heard=served.heard,
        )
        extra = {
            "played": served.n_played,
            "mean_norm": served.mean_norm,
            "target": self.recipe.model.target,
        }
        index.save(self.workspace.index, inputs=inputs, extra=extra, duplicates=groups)
        played = "placed by sound alone" if by_sound else f"{served.n_played} of them played"
        return (
            f"{len(served.tracks)} tracks, {played}, "
            f"{len(set(groups.values()))} groups of duplicates"
        )

    def _check_mels(self, store: MelStore) -> None:
        """Raise `ArtifactError` unless the spectrograms are what the model hears."""
        model = artifacts.load_manifest(self.workspace.model, kind="model")
        from audiorec.mel.store import unlike

        if line := unlike(MelConfig(**model.config.get("mel", {})), store.config):
            raise ArtifactError(line)

    def _model_inputs(self) -> dict[str, str]:
        model = artifacts.load_manifest(self.workspace.model, kind="model")
        space = {"factors": model.inputs["factors"]} if "factors" in model.inputs else {}
        return {"model": model.fingerprint, **space}

    def add(self, files: Sequence[Path]) -> list[str]:
        """Scan, embed and index new files with the model as it is: no retraining.

        Parameters
        ----------
        files : sequence of Path
            Audio files, or folders of them.

        Returns
        -------
        track_ids : list of str
            Of every file that could be heard, known before or not.

        Raises
        ------
        ArtifactError
            If there is no model, or it heard other spectrograms than the workspace keeps.
        """
        from audiorec.scan import scan

        artifacts.load_manifest(self.workspace.model, kind="model")
        with Catalog(self.workspace.catalog) as catalog:
            scan(catalog, files, n_jobs=self.n_jobs, also=self.ahead(), progress=self.progress)
        self.run(("mel", "embed", "index"), check="sizes")
        stored = set(_stored_ids(self.workspace))
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            return [
                track.track_id
                for track in catalog.tracks()
                if track.track_id in stored and lies_in(track.path, files)
            ]


def _beside_sound(model: Model) -> str:
    """What an artist's other tracks are worth, in words."""
    share = model.artists.share
    return f", the artist's others count up to {100 * share:.0f} %" if share else ""


def grouped_by(track: Track) -> str:
    """What a track is likely to sound alike with: its artist, else its album, else nothing."""
    if not track.artist and track.album:
        return f"\0album {track.album.strip().casefold()}"
    return track.artist_key


def lies_in(path: str, places: Sequence[Path]) -> bool:
    """Whether a catalogued path is one of `places`, or lies in a folder among them."""
    from audiorec.scan.files import absolute

    # As the catalogue has it: links stay as they are, and bytes that are no text are written out.
    where = Path(as_text(path))
    return any(where.is_relative_to(as_text(absolute(place))) for place in places)


def current_recipe(workspace: Workspace) -> Recipe:
    """The recipe that a workspace was last run with, or the default one.

    That is the one of the last command that ended well, or of one that was killed since.
    """
    paths = (workspace.root / name for name in (PENDING, RECIPE))
    path = next((path for path in paths if path.exists()), None)
    return Recipe() if path is None else Recipe.load(path)


def _stored_ids(workspace: Workspace) -> tuple[str, ...]:
    from audiorec.embeddings import Embeddings

    return Embeddings.load(workspace.embeddings).ids


def _fingerprint(directory: Path, kind: str) -> str:
    return artifacts.load_manifest(directory, kind=kind).fingerprint
