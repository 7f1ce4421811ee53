"""Tagging stage: tag new tracks, then train a probe on the library's genres if possible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.artifacts import fingerprint
from audiorec.data.catalog import Catalog, Tag
from audiorec.data.catalog.tags import PROBE
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError
from audiorec.mel import MelStore
from audiorec.models.encoders import PretrainedEncoder
from audiorec.progress import Progress, silent
from audiorec.tagging.pretrained_tags import AutotagReport, autotag_catalog, autotag_file
from audiorec.tagging.probe import (
    LabelledTracks,
    Probe,
    ProbeReport,
    as_tags,
    labelled,
    learn_probe,
)
from audiorec.workspace import Workspace

KIND = "probe"


class TagReport(NamedTuple):
    """Result of tagging, and the probe's report; None if there are too few genres."""

    autotags: AutotagReport
    probe: ProbeReport | None


def tag_catalog(
    workspace: Workspace,
    encoder: PretrainedEncoder,
    *,
    n_jobs: int | None = None,
    progress: Progress = silent,
    seed: int = 0,
) -> TagReport:
    """Store tags for every track of a workspace; existing ones are left as they are.

    Parameters
    ----------
    workspace : Workspace
        Locked for writing by the caller.
    encoder : TagEncoder
    n_jobs : int or None
        See `audiorec.tagging.pretrained_tags.autotag_catalog`.
    progress : Progress
    seed : int
        Seed of the probe's folds.
    """
    with Catalog(workspace.catalog) as catalog:
        autotagged = autotag_catalog(
            catalog,
            encoder,
            store=_store(workspace),
            directory=workspace.features,
            n_jobs=n_jobs,
            progress=progress,
        )
        report = _learn(workspace, catalog, encoder.name, seed=seed, progress=progress)
    return TagReport(autotagged, report)


def tag_file(workspace: Workspace | None, file: Path, encoder: PretrainedEncoder) -> list[Tag]:
    """Tag a file, also by the workspace's probe; nothing is stored."""
    autotags = autotag_file(file, encoder)
    tags = [Tag(tag, confidence, encoder.name) for tag, confidence in autotags.tags.items()]
    stored = load_probe(workspace.probe) if workspace is not None else None
    if stored is not None and stored.report.reliable and stored.encoder == encoder.name:
        row = stored.probe.predict(autotags.features[None].astype(np.float64))[0]
        tags += [
            Tag(genre, float(confidence), PROBE)
            for genre, confidence in zip(stored.probe.genres, row, strict=True)
        ]
    return tags


class StoredProbe(NamedTuple):
    """A probe as stored: with its report, the network of its features, and its training data."""

    probe: Probe
    report: ProbeReport
    encoder: str
    learned_from: str


def load_probe(directory: Path) -> StoredProbe | None:
    """Read a probe stored by `tag_catalog`; None if it is missing or damaged."""
    manifest = artifacts.load_valid(directory, kind=KIND, check="digests")
    if manifest is None:
        return None
    arrays: dict[str, Any] = {
        name: artifacts.load_array(directory, manifest, name, mmap=False) for name in manifest.files
    }
    numbers: dict[str, Any] = manifest.extra["numbers"]
    probe = Probe(genres=tuple(manifest.extra["report"]["genres"]), **arrays, **numbers)
    report = ProbeReport(**manifest.extra["report"])
    return StoredProbe(probe, report, manifest.config["encoder"], manifest.inputs["labels"])


def save_probe(directory: Path, stored: StoredProbe) -> None:
    """Write a probe as an artifact of kind "probe", atomically."""
    fields = stored.probe._asdict()
    arrays = ("centre", "scale", "weights", "offsets")
    artifacts.save(
        directory,
        kind=KIND,
        arrays={name: fields[name] for name in arrays},
        config={"encoder": stored.encoder},
        inputs={"labels": stored.learned_from},
        extra={
            "numbers": {name: fields[name] for name in ("slope", "shift", "penalty")},
            "report": stored.report._asdict(),
        },
    )


def _learn(
    workspace: Workspace, catalog: Catalog, encoder: str, *, seed: int, progress: Progress
) -> ProbeReport | None:
    """Train a probe if the labels have changed, and store its predictions for every track."""
    rows = catalog.tags.features(encoder)
    if not rows:
        return None
    features = Embeddings([row[0] for row in rows], np.stack([row[2] for row in rows]))
    known = labelled([track for track in catalog.tracks() if track.track_id in features])
    if known is None:
        catalog.tags.replace({}, source=PROBE)
        return None
    learned_from = _digest(known, {row[0]: row[1] for row in rows}, encoder, seed)
    stored = load_probe(workspace.probe)
    if stored is not None and stored.learned_from == learned_from:
        if stored.report.reliable:
            _store_predictions(catalog, stored.probe, features, known.track_ids)
        return stored.report
    progress("probe", 0, 1)
    learned = learn_probe(features, known, seed=seed)
    with catalog.transaction():
        held_out = learned.held_out if learned.report.reliable else {}
        catalog.tags.replace(as_tags(learned.probe, held_out), source=PROBE)
        if learned.report.reliable:
            _store_predictions(catalog, learned.probe, features, known.track_ids)
    # Last: if killed before, the next run trains again.
    save_probe(workspace.probe, StoredProbe(learned.probe, learned.report, encoder, learned_from))
    progress("probe", 1, 1)
    return learned.report


def _store_predictions(
    catalog: Catalog, probe: Probe, features: Embeddings, learned_from: Sequence[str]
) -> None:
    """Store the probe's predictions for tracks outside its training set that have none yet.

    Those in the training set have predictions of probes trained without their artists.
    """
    silent_on = set(learned_from) | catalog.tags.tagged(PROBE)
    ids = [track_id for track_id in features.ids if track_id not in silent_on]
    if ids:
        predictions = probe.predict(features.take(ids).vectors.astype(np.float64))
        catalog.tags.put(as_tags(probe, dict(zip(ids, predictions, strict=True))), source=PROBE)


def _digest(known: LabelledTracks, sounds: dict[str, str], encoder: str, seed: int) -> str:
    """Digest of the probe's training data."""
    hashes = [sounds[track_id] for track_id in known.track_ids]
    labels = [known.genres[label] for label in known.labels]
    return fingerprint([encoder, seed, known.track_ids, hashes, known.artists, labels])


def _store(workspace: Workspace) -> MelStore | None:
    """The workspace's spectrograms; None if they are missing or damaged."""
    try:
        return MelStore(workspace.mels)
    except ArtifactError:
        return None
