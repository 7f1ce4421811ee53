"""Make the demo world: audio files, simulated listening, and the truth about both."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiorec.demo.audio_files import write_entry
from audiorec.demo.catalog_plan import PlannedMusic, PlannedTrack, plan_music
from audiorec.demo.listeners import MadePlays, Tracks, draw_listeners, sample_plays
from audiorec.demo.listening_sessions import SessionPlays, mood_plane, sample_sessions
from audiorec.demo.synthesizer_install import ensure_tinysoundfont, find_soundfont
from audiorec.demo.truth import truth_arrays
from audiorec.exceptions import AudiorecError, ParameterError

__all__ = ["World", "make_world"]

FORMAT_VERSION = 1
WORLD_FILE = "world.json"
TRACK_COLUMNS = ("track_id", "path", "artist", "title", "album", "year", "genre")
MIN_TRACKS = 4  # needed for the planted copies


class World(NamedTuple):
    """A demo world on disk.

    Attributes
    ----------
    directory, tracks_csv, plays_csv, truth : Path
    held_back : Path
        Folder of new tracks by new artists that are in neither table.
    n_tracks : int
        Rows of ``tracks.csv``: the composed tracks and the seven planted ones.
    n_listeners : int
        Listeners with plays.
    n_plays : int
        Total number of plays.
    """

    directory: Path
    tracks_csv: Path
    plays_csv: Path
    truth: Path
    held_back: Path
    n_tracks: int
    n_listeners: int
    n_plays: int


def _check_arguments(arguments: dict[str, int], n_jobs: int | None) -> None:
    least = {"n_tracks": MIN_TRACKS, "n_artists": 1, "n_listeners": 1, "seed": 0}
    for name, value in arguments.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < least[name]:
            raise ParameterError(f"{name}={value!r} must be an integer of at least {least[name]}")
    if arguments["n_artists"] > arguments["n_tracks"]:
        raise ParameterError(
            f"n_artists={arguments['n_artists']} must be at most "
            f"n_tracks={arguments['n_tracks']}: every artist has a track"
        )
    if n_jobs is not None and (isinstance(n_jobs, bool) or n_jobs < 1):
        raise ParameterError(f"n_jobs={n_jobs!r} must be a positive integer, or None for all cores")


def _claim(directory: Path, arguments: dict[str, int]) -> None:
    """Check that the directory is empty or has this very world, and mark it."""
    path = directory / WORLD_FILE
    wanted = {"format": FORMAT_VERSION, **arguments}
    remedy = "choose another directory, or remove this one"
    if directory.exists() and not directory.is_dir():
        raise ParameterError(f"directory={str(directory)!r} is a file; choose another name")
    if path.is_file():
        try:
            existing = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            existing = None
        if existing != wanted:
            differ = _difference(existing, wanted)
            raise ParameterError(
                f"directory={str(directory)!r} holds another demo world ({differ}); {remedy}"
            )
        return
    if directory.is_dir() and any(p.name != WORLD_FILE + ".part" for p in directory.iterdir()):
        raise ParameterError(
            f"directory={str(directory)!r} is not empty and holds no demo world; "
            "choose an empty or a new directory"
        )
    directory.mkdir(parents=True, exist_ok=True)
    _write(path, (json.dumps(wanted, indent=2) + "\n").encode())


def _difference(existing: Any, wanted: dict[str, int]) -> str:
    if not isinstance(existing, dict):
        return f"{WORLD_FILE} cannot be read"
    keys = [key for key in wanted if existing.get(key) != wanted[key]]
    return ", ".join(f"{key}={existing.get(key)!r} instead of {wanted[key]!r}" for key in keys)


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def _tracks_csv(entries: list[PlannedTrack]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TRACK_COLUMNS)
    for e in entries:
        row = (e.track_id, e.path, e.artist_name, e.title, e.album, e.year, e.genre)
        writer.writerow(row)
    return text.getvalue().encode()


def _plays_csv(plays: MadePlays | SessionPlays, track_ids: list[str]) -> bytes:
    if isinstance(plays, SessionPlays):
        return _session_plays_csv(plays, track_ids)
    rows = zip(*(column.tolist() for column in plays[:4]), strict=True)
    lines = (f"u{user:06d},{track_ids[track]},{n},{at}\n" for user, track, n, at in rows)
    return ("user_id,track_id,plays,timestamp\n" + "".join(lines)).encode()


def _session_plays_csv(plays: SessionPlays, track_ids: list[str]) -> bytes:
    rows = zip(*(column.tolist() for column in plays[:4]), strict=True)
    lines = (f"u{user:06d},{track_ids[track]},1,{at},{skip:d}\n" for user, track, at, skip in rows)
    return ("user_id,track_id,plays,timestamp,skipped\n" + "".join(lines)).encode()


def _listen(
    music: PlannedMusic, arguments: dict[str, int]
) -> tuple[MadePlays | SessionPlays, dict[str, np.ndarray]]:
    """Simulate the plays, and collect all arrays of the truth."""
    truth = truth_arrays(music)
    tracks = Tracks(truth["audible"], truth["scene"], truth["log_fame"], truth["released"])
    listeners = draw_listeners(
        arguments["n_listeners"], n_dims=tracks.audible.shape[1],
        n_tracks=len(music.entries), seed=arguments["seed"],
    )  # fmt: skip
    if arguments.get("sessions"):
        moods = sample_sessions(tracks, listeners=listeners, seed=arguments["seed"])
        truth.update(
            mood_plane=mood_plane(tracks), play_session=moods.session, play_mood=moods.mood,
            play_direction=moods.direction,
        )  # fmt: skip
    plays = (
        moods
        if arguments.get("sessions")
        else sample_plays(tracks, listeners=listeners, seed=arguments["seed"])
    )
    user_ids = np.array([f"u{i:06d}" for i in range(arguments["n_listeners"])])
    truth.update(
        user_ids=user_ids, taste=listeners.taste, listener_scene=listeners.scene,
        listener_fame=listeners.fame,
    )  # fmt: skip
    return plays, truth


def _write_tables(
    directory: Path, music: PlannedMusic, arguments: dict[str, int]
) -> tuple[int, int]:
    """Write missing tables; return the numbers of listeners and of plays."""
    plays, truth = _listen(music, arguments)
    tables: dict[str, Callable[[], bytes]] = {
        "tracks.csv": lambda: _tracks_csv(music.entries),
        "plays.csv": lambda: _plays_csv(plays, [e.track_id for e in music.entries]),
        "truth.npz": lambda: _npz(truth),
    }
    for name, make in tables.items():
        if not (directory / name).is_file():
            _write(directory / name, make())
    n_plays = len(plays.track) if isinstance(plays, SessionPlays) else int(plays.plays.sum())
    return len(np.unique(plays.listener)), n_plays


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    data = io.BytesIO()
    np.savez_compressed(data, allow_pickle=False, **arrays)
    return data.getvalue()


def _render_all(entries: list[PlannedTrack], *, directory: Path, soundfont: Path,
                n_jobs: int) -> Iterator[None]:  # fmt: skip
    """Write files, on several cores; yield after each."""
    if n_jobs == 1 or len(entries) < 2:
        for entry in entries:
            write_entry(entry, directory=directory, soundfont=soundfont)
            yield
        return
    # Spawned, not forked: a fork would copy the locks of any threads of the caller.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(n_jobs, len(entries)), mp_context=context) as pool:
        futures: list[Future[None]] = [
            pool.submit(write_entry, e, directory=directory, soundfont=soundfont) for e in entries
        ]
        try:
            for future in as_completed(futures):
                future.result()
                yield
        except BrokenProcessPool as error:
            raise AudiorecError(
                f"a process that rendered {directory} died; "
                "run again to go on, with n_jobs=1 if memory is short"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def make_world(
    directory: Path,
    *,
    n_tracks: int = 800,
    n_artists: int = 160,
    n_listeners: int = 3000,
    seed: int = 0,
    sessions: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> World:
    """Make a demo world, or finish one that was interrupted.

    Parameters
    ----------
    directory : Path
        New, empty, or with a world of the same arguments, of which only missing files are made.
    n_tracks : int
        Composed tracks. Seven planted ones come on top: three copies of recordings, a live
        version, a long mix, a silent file and a broken one.
    n_artists : int
    n_listeners : int
    seed : int
        The same arguments give the same bytes.
    sessions : bool
        Whether listeners listen in sessions, each track at its time, in a mood that changes from
        track to track; see `audiorec.demo.listening_sessions`. Without them a world is the same
        as before this option existed.
    n_jobs : int or None
        Processes that render; None is one for each core. The files do not depend on it.
    progress : callable or None
        Called with the numbers of files done and of all files.

    Returns
    -------
    World

    Raises
    ------
    ParameterError
        When an argument is impossible, or the directory has other contents.
    AudiorecError
        When the synthesizer or the soundfont is not installed and cannot be downloaded.
    """
    arguments = {"n_tracks": n_tracks, "n_artists": n_artists, "n_listeners": n_listeners,
                 "seed": seed}  # fmt: skip
    _check_arguments(arguments, n_jobs)
    if sessions:
        arguments["sessions"] = True
    ensure_tinysoundfont()
    soundfont = find_soundfont()
    directory = Path(directory)
    _claim(directory, arguments)
    music = plan_music(n_tracks, n_artists=n_artists, seed=seed)
    n_listeners, n_plays = _write_tables(directory, music, arguments)
    entries = [*music.entries, *music.held_back]
    missing = [e for e in entries if not (directory / e.path).is_file()]
    # The long mix first: it takes as long as many tracks, and would occupy one core alone at the
    # end.
    missing.sort(key=lambda e: -len(e.parts))
    done = len(entries) - len(missing)
    if progress is not None:
        progress(done, len(entries))
    jobs = n_jobs if n_jobs is not None else os.cpu_count() or 1
    for _ in _render_all(missing, directory=directory, soundfont=soundfont, n_jobs=jobs):
        done += 1
        if progress is not None:
            progress(done, len(entries))
    return World(
        directory, directory / "tracks.csv", directory / "plays.csv", directory / "truth.npz",
        directory / "held_back", len(music.entries), n_listeners, n_plays,
    )  # fmt: skip
