"""Playlists in scanned music folders, each imported as a listener of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from audiorec.data.catalog import as_text
from audiorec.data.playlist_files import entries, holds_playlists, playlists_in
from audiorec.data.plays import ImportReport
from audiorec.data.plays.store import forget_within, imported_from
from audiorec.data.plays_import import import_plays
from audiorec.exceptions import DataError

SOURCE = "m3u"


class FolderPlaylists(NamedTuple):
    """Playlists of a folder.

    Attributes
    ----------
    folder : Path
    report : ImportReport or None
        Result of importing them; None where none could be used.
    reason : str
        Reason for that, in one line.
    unread : tuple of (str, str)
        Path of each unreadable playlist, and the reason in one line.
    """

    folder: Path
    report: ImportReport | None = None
    reason: str = ""
    unread: tuple[tuple[str, str], ...] = ()


def import_folder_playlists(
    directory: Path, folders: Sequence[Path], *, paths: Callable[[], Mapping[str, str]]
) -> list[FolderPlaylists]:
    """Import the playlists in folders; they replace earlier imports from there.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; created if it is missing and there are playlists.
    folders : sequence of Path
        A folder within another, or within one whose playlists are stored, counts once.
    paths : callable
        Returns the id of each file of the catalogue, by absolute path; called only if there are
        playlists.

    Returns
    -------
    list of FolderPlaylists
        One for each folder with playlists.

    Raises
    ------
    ArtifactError
        If the stored plays cannot be extended.
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
            if not unread:  # they contain no known track, and their earlier rows are outdated
                forget_within(directory, folder, source=SOURCE)
            playlists.append(FolderPlaylists(folder, reason=str(error), unread=unread))
        else:
            playlists.append(FolderPlaylists(folder, report, unread=report.problems))
    return playlists


def remove_folder_playlists(directory: Path, folders: Sequence[Path]) -> int:
    """Remove the plays of all playlists in these folders; return the number of rows removed."""
    return sum(forget_within(directory, folder, source=SOURCE) for folder in folders)


def _unreadable(lists: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in lists:
        try:
            list(entries(path))
        except DataError as error:
            yield as_text(path), str(error)


def _outermost(folders: Sequence[Path], *, among: Sequence[Path]) -> list[Path]:
    """Outermost of some folders, or of `among` others that contain them."""
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
