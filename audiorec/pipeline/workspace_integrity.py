"""Integrity of a workspace: damaged artifacts, inconsistent stages, and their repair."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.exceptions import ArtifactError, AudiorecError
from audiorec.index import rebuild_reason
from audiorec.mel.store import unlike
from audiorec.pipeline.training_inputs import only_artists_changed
from audiorec.recommend.spaces import artists_of
from audiorec.workspace import Workspace


class Diagnosis(NamedTuple):
    """Result of an integrity check.

    Attributes
    ----------
    problems : list of str
        One line for each problem, with the command that repairs it.
    notes : list of str
        Conditions that are not damage: missing or unreadable files.
    """

    problems: list[str]
    notes: list[str]


def damage(workspace: Workspace) -> list[str]:
    """Return a line for each damaged part of a workspace, every byte checked."""
    problems: list[str] = []
    for kind in artifacts.STAGE_OF:
        directory = workspace.root / kind
        if not artifacts.exists(directory):
            continue
        try:
            manifest = artifacts.load_manifest(directory, kind=kind, check="manifest")
        except ArtifactError as error:
            problems.append(str(error))
            continue
        problems += [
            artifacts.describe_damage(directory, manifest, file)
            for file in artifacts.damaged(directory, manifest)
        ]
    try:
        with Catalog(workspace.catalog, read_only=True) as catalog:
            catalog.check()
    except AudiorecError as error:
        problems.append(str(error))
    return problems


def diagnose(workspace: Workspace) -> Diagnosis:
    """Check a workspace, every byte of its artifacts included."""
    problems = damage(workspace)
    try:
        with Catalog(workspace.catalog, read_only=True) as catalog:
            lost = len(catalog.tracks(include_missing=True)) - len(catalog)
            failed = len(catalog.failures())
    except AudiorecError as error:
        return Diagnosis(list(dict.fromkeys([*problems, str(error)])), [])
    notes = []
    if lost:
        files = "1 file is" if lost == 1 else f"{lost} files are"
        notes.append(f"{files} gone; scan where the music is now, or leave it at that")
    if failed:
        files = "1 file" if failed == 1 else f"{failed} files"
        notes.append(f"{files} could not be read; see 'audiorec status --failures'")
    model = None
    with suppress(AudiorecError):  # its damage is reported above
        model = artifacts.load_manifest(workspace.model, kind="model")
    if model is not None and model.extra.get("warning"):
        notes.append(f"of the model: {model.extra['warning']}")
    if worn := rebuild_reason(workspace.index):
        problems.append(f"the index {worn}; run 'audiorec index' to build it again")
    return Diagnosis(problems + _out_of_step(workspace), notes)


def _out_of_step(workspace: Workspace) -> list[str]:
    """Return the artifacts made from inputs that have since been replaced."""
    made = {}
    for kind in artifacts.STAGE_OF:
        try:
            made[kind] = artifacts.load_manifest(workspace.root / kind, kind=kind)
        except ArtifactError:
            continue
    lines = [
        f"{kind} was made from other {source}; run 'audiorec {artifacts.STAGE_OF[kind]}'"
        for kind, manifest in made.items()
        for source, digest in manifest.inputs.items()
        if source in made and digest not in made[source].digests
    ]
    named = made["index"].inputs.get("artists") if "index" in made else None
    if named and artifacts.fingerprint(artists_of(workspace)) != named:
        lines.append("the index was made before artists' names changed; run 'audiorec index'")
    if {"mels", "factors", "model"} <= made.keys():
        with suppress(AudiorecError):  # damaged or older artifacts are reported elsewhere
            if only_artists_changed(workspace, made["model"]):
                lines.append(
                    "the model was learned before artists' names changed; run 'audiorec train'"
                )
    if "mels" in made and "model" in made:
        learned, current = (made[kind].config for kind in ("model", "mels"))
        lines.append(unlike(MelConfig(**learned.get("mel", {})), MelConfig(**current)))
    return [line for line in lines if line]
