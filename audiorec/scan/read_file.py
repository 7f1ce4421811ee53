"""Reading of one file in a worker process of a scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from audiorec.audio import IDENTITY_CLIP, DecodedClips, clip_hash, decode_clips
from audiorec.data import file_of
from audiorec.data.names import names_from_path
from audiorec.printable_text import one_line
from audiorec.scan.file_tags import read_tags

# Further work on a decoded clip and its identity, in the worker process.
Also = Callable[[DecodedClips, str], None]


def do_all(work: tuple[Also, ...], decoded: DecodedClips, identity: str) -> None:
    """Do several things with a decoded clip."""
    for also in work:
        also(decoded, identity)


def _named(path: str) -> dict[str, Any]:
    """Tags of a file; missing names are guessed from its path."""
    file = file_of(path)
    tags, guesses = read_tags(Path(file)), names_from_path(file)
    if file != path:  # its title is the album's, or another track's
        tags.update(title="", number=None, recording_mbid="")
    if tags["artist"] and guesses.get("artist", tags["artist"]) != tags["artist"]:
        guesses = {key: value for key, value in guesses.items() if key not in ("artist", "album")}
    guessed = [name for name, value in guesses.items() if value and not tags[name]]
    return {**tags, **{name: guesses[name] for name in guessed}, "guessed": sorted(guessed)}


def read_file(path: str, *, also: Also | None = None) -> dict[str, Any]:
    """Read a file's header, its tags and the identity of its audio, as the catalogue keeps them.

    ``note`` is the defect of a file that can be decoded all the same.

    Parameters
    ----------
    path : str
    also : callable, optional
        Called with the decoded clip and its identity.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    file = Path(path)
    clips = decode_clips(file, config=IDENTITY_CLIP)
    identity = clip_hash(clips.clips[0])
    if also is not None:
        also(clips, identity)
    return {
        **_named(path),
        "duration": round(clips.info.duration, 3),
        "sr": clips.info.sr,
        "channels": clips.info.channels,
        "format": clips.info.format,
        "clip_hash": identity,
        "note": one_line(clips.note),
    }
