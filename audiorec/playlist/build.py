"""A playlist from a library: near its seeds, and written to a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from audiorec.data.grouping import merge_groups
from audiorec.exceptions import ParameterError
from audiorec.playlist.sequence import make_playlist
from audiorec.playlist.writers import Written, write_playlist
from audiorec.recommend.library import Library
from audiorec.recommend.matches import Match
from audiorec.recommend.results import Hit, present
from audiorec.recommend.vectors import Space
from audiorec.recommend.versions import group_versions


def build_playlist(
    library: Library,
    names: Sequence[str | Path],
    *,
    length: int = 25,
    artist_window: int = 5,
    space: Space = "blend",
    popularity: float = 0.0,
    versions: bool = False,
) -> list[Hit]:
    """A playlist that begins at the first of `names` and stays near them.

    Parameters
    ----------
    library : Library
    names : sequence of str or Path
        See `Library.similar`.
    length : int
        Tracks, the named ones included; fewer when the library has no more that fit.
    artist_window : int
        No artist twice within so many tracks.
    space, popularity, versions
        See `Library.similar`.
    """
    served, ids, external = library.query(names, space=space, popularity=popularity)
    tracks = library.catalog.tracks()
    artists = {track.track_id: track.artist for track in tracks if track.artist}
    groups = library.duplicates
    if not versions:
        groups = merge_groups(groups, group_versions(tracks))

    def answer(excluded: Collection[str]) -> list[list[Match]]:
        matches = make_playlist(
            served,
            external,
            ids,
            length=length,
            artists=artists,
            artist_window=artist_window,
            duplicates=groups,
            exclude=excluded,
        )
        return [matches]

    return present(library.catalog, answer, named=ids, hidden=library.hidden)[0]


def save_playlist(
    library: Library,
    hits: Sequence[Hit],
    file: Path | None = None,
    *,
    format_: str = "m3u8",
    relative: bool = True,
) -> Written:
    """Write a playlist file.

    Parameters
    ----------
    library : Library
    hits : sequence of Hit
    file : Path, optional
        By default named after the first track, in the workspace's ``playlists/``.
    format_ : {"m3u8", "json", "xspf", "jspf"}
    relative : bool
        Paths from the playlist's folder on, or absolute ones.
    """
    if file is None:
        if not hits:
            raise ParameterError("hits=[] has no track to name a playlist after; add a seed")
        name = f"{hits[0].track_id.rpartition('/')[2]}.{format_}"
        file = library.workspace.playlists / name
    tracks = [library.track(hit.track_id) for hit in hits]
    return write_playlist(
        tracks, file, format_=format_, paths="relative" if relative else "absolute"
    )
