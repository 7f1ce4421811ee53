"""Playlists in folders of music: each counts as a listener without being asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from audiorec.data.catalog.records import as_text
from audiorec.data.playlist_files.reading import entries, holds_playlists, playlists_in
from audiorec.data.plays.store import forget_within, imported_from
from audiorec.data.plays.writer import ImportReport
from audiorec.data.plays_import import import_plays
from audiorec.exceptions import DataError

SOURCE = "m3u"


class FolderPlaylists(NamedTuple):
    """Playlists of a folder.

    Attributes
    ----------
    folder : Path
    report : ImportReport or None
        What importing them did; None where none could be used.
    reason : str
        Why not, in one line.
    unread : tuple of (str, str)
        Path of each playlist that cannot be read, and a line that says why.
    """

    folder: Path
    report: ImportReport | None = None
    reason: str = ""
    unread: tuple[tuple[str, str], ...] = ()


def import_folder_playlists(
    directory: Path, folders: Sequence[Path], *, paths: Callable[[], Mapping[str, str]]
) -> list[FolderPlaylists]:
    """Import the playlists that lie in folders, in place of what came from there before.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; made when it is missing and there are playlists.
    folders : sequence of Path
        Those that lie in one another, or in one whose playlists are stored, count once.
    paths : callable
        Gives the id of each file of the catalogue, by absolute path; asked where there are
        playlists.

    Returns
    -------
    list of FolderPlaylists
        One for each folder that holds playlists.

    Raises
    ------
    ArtifactError
        If what is stored as plays cannot be added to.
    """
    playlists = []
    for folder in _outermost(folders, among=imported_from(directory, source=SOURCE)):
        if not holds_playlists(folder):
            forget_within(directory, folder, source=SOURCE)
            continue
        try:
            report = import_plays(directory, folder, source=SOURCE, paths=paths())
        except DataError as error:
            unread = tuple(_unreadable(playlists_in(folder)))
            if not unread:  # they name nothing that is here, and what they named before is no more
                forget_within(directory, folder, source=SOURCE)
            playlists.append(FolderPlaylists(folder, reason=str(error), unread=unread))
        else:
            playlists.append(FolderPlaylists(folder, report, unread=report.problems))
    return playlists


def remove_folder_playlists(directory: Path, folders: Sequence[Path]) -> int:
    """Let no playlist in these folders count any more; return how many rows are gone."""
    return sum(forget_within(directory, folder, source=SOURCE) for folder in folders)


def _unreadable(lists: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in lists:
        try:
            list(entries(path))
        except DataError as error:
            yield as_text(path), str(error)


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
