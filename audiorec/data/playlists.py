"""Playlists that lie among the music: each counts as a listener without being asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from audiorec.data.interactions import ImportReport, import_plays, imported_from
from audiorec.data.m3u import playlists_in
from audiorec.exceptions import DataError


class Found(NamedTuple):
    """Playlists of a folder.

    Attributes
    ----------
    folder : Path
    n_lists : int
    report : ImportReport or None
        What importing them did; None where it could not be done.
    problem : str
        Why not, in one line.
    """

    folder: Path
    n_lists: int
    report: ImportReport | None = None
    problem: str = ""


def take_playlists(
    directory: Path, folders: Sequence[Path], *, paths: Mapping[str, str]
) -> list[Found]:
    """Import the playlists that lie in folders.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; made when it is missing and there are playlists.
    folders : sequence of Path
        Those that lie in one another, or in one whose playlists are stored, count once.
    paths : mapping of str to str
        Id of each file of the catalogue, by absolute path.

    Returns
    -------
    found : list of Found
        One for each folder that holds playlists.

    Raises
    ------
    ArtifactError
        If what is stored as plays cannot be added to.
    """
    found = []
    for folder in _outermost(folders, among=imported_from(directory, source="m3u")):
        lists = playlists_in(folder)
        if not lists:
            continue
        try:
            report = import_plays(directory, folder, source="m3u", paths=paths)
        except DataError as error:
            found.append(Found(folder, len(lists), problem=str(error)))
        else:
            found.append(Found(folder, len(lists), report))
    return found


def _outermost(folders: Sequence[Path], *, among: Sequence[Path]) -> list[Path]:
    """Folders, or those `among` others that they lie in, without those within one another."""
    named = [folder.resolve() for folder in folders if folder.is_dir()]
    known = [folder for folder in among if folder.is_dir()]
    held = {
        min((k for k in known if folder.is_relative_to(k)), default=folder, key=_depth)
        for folder in named
    }
    return sorted(
        folder
        for folder in held
        if not any(folder != other and folder.is_relative_to(other) for other in held)
    )


def _depth(folder: Path) -> int:
    return len(folder.parts)
