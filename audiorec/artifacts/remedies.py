"""Remedies for missing or damaged artifacts: the commands that make them."""

from __future__ import annotations

from pathlib import Path

from audiorec.artifacts.manifest import Manifest
from audiorec.artifacts.workspace_folders import WORKSPACE_FOLDERS

OF_RUN = tuple(kind for kind, part in WORKSPACE_FOLDERS.items() if part.role == "stage")
STAGE_OF = {kind: part.command for kind, part in WORKSPACE_FOLDERS.items() if part.role != "other"}
STAGE_OF["pretrained"] = "pretrained fetch"  # not in a workspace
MISSING = {
    "plays": "are no plays",
    "mels": "are no spectrograms",
    "factors": "are no factors",
    "embeddings": "are no embeddings",
    "sessions": "are no session models",
    "map": "is no map",
    "pretrained": "is no pretrained network",
}


def making_hint(kind: str) -> str:
    """Command that makes a missing artifact."""
    command = STAGE_OF.get(kind, "run")
    if kind in OF_RUN:
        return f"run 'audiorec run', or 'audiorec {command}' alone,"
    return f"run 'audiorec {command}'"


def rebuild_hint(kind: str, manifest: Manifest | None = None, name: str = "") -> str:
    """Command that makes an artifact again, or one of its files.

    Parameters
    ----------
    kind : str
    manifest : Manifest or None
        Has the origin of imported artifacts, which no command makes.
    name : str
        Logical name of the file.
    """
    extra = {} if manifest is None else manifest.extra
    if "imported" in extra:
        return f"run 'audiorec import embeddings --replace' with {extra['imported']}"
    if kind == "plays":
        part = extra.get("parts", {}).get(name, {})
        source = part.get("source") or "csv"
        import shlex  # here: only after a failure

        option = "" if source == "csv" else f" --source {source}"
        return f"run 'audiorec plays {shlex.quote(part.get('file') or 'FILE')}{option}'"
    return f"run 'audiorec {STAGE_OF.get(kind, 'run')}'"


def describe_damage(directory: Path, manifest: Manifest, file: str) -> str:
    """Make an error of one line: the damaged file and the command that makes it again."""
    name = next(name for name, entry in manifest.files.items() if entry.file == file)
    again = f"{rebuild_hint(manifest.kind, manifest, name)} to make it again"
    what = "differs from its digest" if (directory / file).is_file() else "is missing"
    return f"{directory / file} {what}; {again}"
