"""Scanned folders, in a small file of the workspace: a server may scan them again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from audiorec.artifacts import write_atomic
from audiorec.data.catalog import as_text
from audiorec.workspace import Workspace

FILE = "scanned.json"
MOST = 200


def scan_roots(workspace: Workspace) -> list[Path]:
    """Scanned folders, absolute; none where the record cannot be read."""
    try:
        rows = json.loads((workspace.root / FILE).read_bytes())
        return [Path(row) for row in rows if isinstance(row, str) and Path(row).is_absolute()]
    except (OSError, ValueError, TypeError):
        return []


def record_scan(workspace: Workspace, paths: Iterable[Path]) -> None:
    """Record the folders among paths as scanned; subfolders of others are left out.

    Parameters
    ----------
    workspace : Workspace
        Locked for writing.
    paths : iterable of Path
    """
    new = [path.absolute() for path in paths if path.is_dir()]
    if not new:
        return
    top: list[Path] = []
    for folder in sorted({*scan_roots(workspace), *new}, key=lambda path: len(path.parts)):
        if not any(folder.is_relative_to(other) for other in top):
            top.append(folder)
    rows = [str(folder) for folder in sorted(top) if as_text(str(folder)) == str(folder)]
    write_atomic(workspace.root / FILE, json.dumps(rows[:MOST], ensure_ascii=False).encode())
