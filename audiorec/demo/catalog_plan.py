"""Plan of the demo world's catalogue: its artists, albums and every track.

A dimension of sound is the style's pull, plus the artist's own deviation, plus the track's. Only
the plan is drawn here; `compose` turns it into notes and `render` into sound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from audiorec.demo.names import NameGenerator
from audiorec.demo.styles import DIMS, SCALE_BRIGHTNESS, STYLES, Style

__all__ = ["Artist", "MusicPlan", "PlannedMusic", "PlannedTrack", "generator", "plan_music"]

_T = TypeVar("_T")

# A style explains about a third of how tracks differ; artists and single tracks do the rest.
STYLE_PULL = 0.75
ARTIST_SPREAD = 0.7
TRACK_SPREAD = 0.55
SHARE_STRANGERS = 0.3
N_SCENES = 8
N_HELD_BACK = 3
FORMATS = ("mp3", "flac", "ogg")
FORMAT_SHARES = (0.30, 0.40, 0.30)

PLAYS_FROM = 1_672_531_200  # 2023-01-01 00:00 UTC, in seconds since 1970
PLAYS_UNTIL = 1_735_689_600  # 2025-01-01 00:00 UTC
SECONDS_PER_DAY = 86_400
SHARE_NEW_ALBUMS = 0.15  # released during the time of the plays

# One number for each random draw, so that a new draw changes no other.
STREAM_NAMES, STREAM_ARTIST, STREAM_TRACK, STREAM_MUSIC, STREAM_SOUND = range(5)
STREAM_LISTENERS, STREAM_PLAYS, STREAM_PLANTED, STREAM_SESSIONS = range(5, 9)


def generator(seed: int, stream: int, number: int = 0) -> np.random.Generator:
    """The random generator of one kind of draw in one world."""
    return np.random.default_rng(np.random.SeedSequence((seed, stream, number)))


@dataclass(frozen=True)
class MusicPlan:
    """Style, harmony, instruments and production of a track.

    Attributes
    ----------
    style : int
        Row of `STYLES`.
    dims : tuple of float
        One for each of `DIMS`, in standard deviations.
    tempo : float
        Beats per minute.
    key : int
        Semitones above C.
    scale, comp_figure, bass_figure, drum_figure : str
    lead, comp, bass : int
        General MIDI programs.
    pad : int or None
    verse, chorus : tuple of int
        Scale degrees, one chord a bar.
    loudness : float
        Decibels around the common loudness.
    tilt : float
        Decibels per octave.
    room : float
        Reverberation time, seconds.
    wet : float
        Level of the reverberation beside the dry sound, from 0 to 1.
    noise : float
        Level of the noise floor, decibels below the music.
    width : float
        0 is mono.
    crowd : bool
        An audience is in the room.
    seed, number : int
        Seeds of the notes.
    """

    style: int
    dims: tuple[float, ...]
    tempo: float
    key: int
    scale: str
    lead: int
    comp: int
    bass: int
    pad: int | None
    comp_figure: str
    bass_figure: str
    drum_figure: str
    verse: tuple[int, ...]
    chorus: tuple[int, ...]
    loudness: float
    tilt: float
    room: float
    wet: float
    noise: float
    width: float
    seed: int
    number: int
    crowd: bool = False

    def dim(self, name: str) -> float:
        """Value of one of `DIMS`, in standard deviations."""
        return self.dims[DIMS.index(name)]

    @property
    def beats(self) -> int:
        """Beats in a bar."""
        return STYLES[self.style].beats


@dataclass(frozen=True)
class Artist:
    """One artist: a style, a place around it, a sound, a scene and fame."""

    name: str
    style: int
    dims: tuple[float, ...]
    lead: tuple[int, ...]
    comp: tuple[int, ...]
    loudness: float
    tilt: float
    noise: float
    width: float
    scene: int
    log_fame: float


@dataclass(frozen=True)
class PlannedTrack:
    """One file of the world. `parts` are the plans played in it, one after the other."""

    track_id: str
    path: str
    kind: str
    artist: int
    artist_name: str
    title: str
    album: str
    year: int
    genre: str
    released: int
    log_fame: float
    parts: tuple[MusicPlan, ...]
    tags: tuple[str, str, str]
    copy_of: str = ""


class PlannedMusic(NamedTuple):
    """The artists, the files in the tables, and those that are held back."""

    artists: list[Artist]
    entries: list[PlannedTrack]
    held_back: list[PlannedTrack]


def draw_artist(seed: int, number: int, *, name: str, style: int) -> Artist:
    """Draw an artist around a style."""
    rng = generator(seed, STREAM_ARTIST, number)
    table = STYLES[style]
    dims = STYLE_PULL * np.asarray(table.pull) + ARTIST_SPREAD * rng.standard_normal(len(DIMS))
    # Some artists play instruments that the style does not call for.
    stranger = STYLES[int(rng.integers(len(STYLES)))]
    lead = rng.permutation((stranger if rng.random() < SHARE_STRANGERS else table).lead)[:2]
    return Artist(
        name=name,
        style=style,
        dims=tuple(float(d) for d in dims),
        lead=tuple(int(p) for p in lead),
        comp=tuple(int(p) for p in rng.permutation(table.comp)[:2]),
        loudness=float(rng.normal(0.0, 2.0)),
        tilt=float(rng.normal(0.0, 0.7)),
        noise=float(rng.uniform(-75.0, -42.0)),
        width=float(max(0.0, rng.normal(0.35, 0.5))),
        scene=int(rng.integers(N_SCENES)),
        log_fame=float(rng.normal(0.0, 0.7)),
    )


def _choice(rng: np.random.Generator, options: tuple[_T, ...]) -> _T:
    return options[int(rng.integers(len(options)))]


def _figures(rng: np.random.Generator, table: Style, percussion: float) -> tuple[str, str, str]:
    drum = _choice(rng, table.drum_figures)
    if percussion < -1.2:
        drum = "none"
    return _choice(rng, table.comp_figures), _choice(rng, table.bass_figures), drum


def draw_plan(seed: int, number: int, *, artist: Artist) -> MusicPlan:
    """Draw the plan of a track around its artist."""
    rng = generator(seed, STREAM_TRACK, number)
    table = STYLES[artist.style]
    dims = np.asarray(artist.dims) + TRACK_SPREAD * rng.standard_normal(len(DIMS))
    at = {name: float(value) for name, value in zip(DIMS, dims, strict=True)}
    comp_figure, bass_figure, drum_figure = _figures(rng, table, at["percussion"])
    return MusicPlan(
        style=artist.style,
        dims=tuple(at.values()),
        tempo=float(np.clip(108.0 * 2.0 ** (0.38 * at["tempo"]), 54.0, 200.0)),
        key=int(rng.integers(12)),
        scale=min(table.scales, key=lambda s: abs(SCALE_BRIGHTNESS[s] - at["valence"])),
        lead=_choice(rng, artist.lead),
        comp=_choice(rng, artist.comp),
        bass=_choice(rng, table.bass),
        pad=_choice(rng, table.pad) if rng.random() < 0.5 else None,
        comp_figure=comp_figure,
        bass_figure=bass_figure,
        drum_figure=drum_figure,
        verse=_choice(rng, table.progressions),
        chorus=_choice(rng, table.progressions),
        loudness=artist.loudness + 1.5 * at["energy"],
        tilt=artist.tilt + 1.6 * at["brightness"],
        room=float(np.clip(0.7 * 2.0 ** at["space"], 0.15, 3.5)),
        wet=float(np.clip(0.25 * 2.0 ** (0.8 * at["space"]), 0.02, 0.9)),
        noise=artist.noise,
        width=artist.width,
        seed=seed,
        number=number,
    )


class _Albums:
    """Distributes an artist's tracks over albums of about five."""

    def __init__(self, names: NameGenerator, rng: np.random.Generator) -> None:
        self._names = names
        self._rng = rng
        self._left = 0
        self._album = ("", 0)

    def next(self, *, new_artist: bool) -> tuple[str, int]:
        """Title and release time (seconds since 1970) of the album of the next track."""
        if new_artist or self._left == 0:
            self._left = int(self._rng.integers(3, 8))
            span = PLAYS_UNTIL - PLAYS_FROM
            if self._rng.random() < SHARE_NEW_ALBUMS:
                released = PLAYS_FROM + int(0.9 * span * self._rng.random())
            else:
                released = PLAYS_FROM - int(30 * 365 * SECONDS_PER_DAY * self._rng.beta(1.0, 2.5))
            self._album = (self._names.title(), released - released % SECONDS_PER_DAY)
        self._left -= 1
        return self._album


def _year(released: int) -> int:
    return int(np.datetime64(released, "s").astype("datetime64[Y]").astype(int)) + 1970


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text.lower()).strip("_")


def _sizes(rng: np.random.Generator, n_tracks: int, n_artists: int) -> np.ndarray:
    """Number of tracks of each artist: at least one, the rest unevenly."""
    shares = rng.lognormal(0.0, 0.6, n_artists)
    extra = rng.multinomial(n_tracks - n_artists, shares / shares.sum())
    return np.asarray(extra + 1)


def _entry(plan: MusicPlan, *, artist: int, cast: list[Artist], title: str, album: tuple[str, int],
           folder: str, track_id: str, kind: str, log_fame: float) -> PlannedTrack:  # fmt: skip
    who = cast[artist]
    rng = generator(plan.seed, STREAM_SOUND, plan.number)
    suffix = str(rng.choice(FORMATS, p=FORMAT_SHARES))
    return PlannedTrack(
        track_id=track_id,
        path=f"{folder}/{_file_name(who.name)}/{track_id}_{_file_name(title)}.{suffix}",
        kind=kind,
        artist=artist,
        artist_name=who.name,
        title=title,
        album=album[0],
        year=_year(album[1]),
        genre=STYLES[plan.style].name,
        released=album[1],
        log_fame=log_fame,
        parts=(plan,),
        tags=(who.name, title, album[0]),
    )


def plan_music(n_tracks: int, *, n_artists: int, seed: int) -> PlannedMusic:
    """Draw the artists and the plan of every track, planted ones included.

    Parameters
    ----------
    n_tracks : int
        Composed tracks; the planted ones come on top.
    n_artists : int
    seed : int

    Returns
    -------
    Cast
    """
    rng = generator(seed, STREAM_NAMES)
    names = NameGenerator(rng)
    n_all = n_artists + N_HELD_BACK
    order = rng.permutation(len(STYLES))
    styles = [int(order[i % len(STYLES)]) for i in range(n_artists)]
    # New artists play known styles, or nothing about them could be predicted.
    styles += [styles[i % n_artists] for i in range(N_HELD_BACK)]
    artists = [draw_artist(seed, i, name=names.artist(), style=styles[i]) for i in range(n_all)]
    sizes = np.append(_sizes(rng, n_tracks, n_artists), np.ones(N_HELD_BACK, dtype=int))
    albums = _Albums(names, rng)
    entries: list[PlannedTrack] = []
    for artist, size in enumerate(sizes):
        for i in range(int(size)):
            number = len(entries)
            plan = draw_plan(seed, number, artist=artists[artist])
            old = number < n_tracks
            entries.append(_entry(
                plan, artist=artist, cast=artists, title=names.title(),
                album=albums.next(new_artist=i == 0), folder="audio" if old else "held_back",
                track_id=f"t{number:06d}" if old else f"new{number - n_tracks + 1}",
                kind="track" if old else "held_back",
                log_fame=artists[artist].log_fame + 0.5 * float(rng.standard_normal()),
            ))  # fmt: skip
    composed = entries[:n_tracks]
    return PlannedMusic(
        artists[:n_artists], composed + _planted(composed, seed), entries[n_tracks:]
    )


def _planted(composed: list[PlannedTrack], seed: int) -> list[PlannedTrack]:
    """The awkward files that every collection has, on top of the composed tracks.

    Two re-issues (the same recording under another title and album), one copy byte for byte, a
    live version, a long mix, a silent file and a broken one.
    """
    rng = generator(seed, STREAM_PLANTED)
    n = len(composed)
    picks = [composed[int(i)] for i in rng.choice(n, size=4, replace=n < 4)]
    new = [_again(picks[0], n, "duplicate", " (Remastered)", " (Reissue)")]
    new.append(_again(picks[1], n + 1, "duplicate", " (Single)", " (Anthology)"))
    copy = _again(picks[2], n + 2, "duplicate", " (Bonus Track)", " (Deluxe)")
    new.append(replace(copy, tags=picks[2].tags, year=picks[2].year))
    live = _again(picks[3], n + 3, "live", " (Live)", " (On Stage)")
    plan = picks[3].parts[0]
    plan = replace(plan, tempo=plan.tempo * 1.06, room=2.2, wet=0.6, noise=-40.0, crowd=True)
    new.append(replace(live, parts=(plan,), copy_of=""))
    # Twenty clips of half a minute are ten minutes; a small world has a shorter mix.
    n_parts = int(np.clip(n // 4, 2, 20))
    parts = tuple(composed[int(i)].parts[0] for i in rng.choice(n, n_parts, replace=n < n_parts))
    mix = replace(
        composed[0], artist=-1, artist_name="Various", title="Continuous Mix", album="The Mix",
        genre="Mix", year=2024, released=PLAYS_FROM, parts=parts, log_fame=-4.0,
        copy_of="",
    )  # fmt: skip
    specs = (("mix", "mp3", mix), ("silent", "flac", composed[1 % n]), ("broken", "mp3", mix))
    for i, (kind, suffix, source) in enumerate(specs, start=4):
        track_id = f"t{n + i:06d}"
        title = source.title if kind == "mix" else f"{kind.capitalize()} file"
        folder = _file_name(source.artist_name)
        new.append(replace(
            source, track_id=track_id, kind=kind, title=title, log_fame=-4.0,
            path=f"audio/{folder}/{track_id}_{_file_name(title)}.{suffix}",
            parts=source.parts if kind == "mix" else (),
            tags=(source.artist_name, title, source.album), copy_of="",
        ))  # fmt: skip
    return new


def _again(source: PlannedTrack, number: int, kind: str, title: str, album: str) -> PlannedTrack:
    """The same artist's track once more, less known, under another title and album."""
    track_id = f"t{number:06d}"
    folder, name = source.path.rsplit("/", 1)
    suffix = name.rsplit(".", 1)[1]
    new_title, new_album = source.title + title, source.album + album
    return replace(
        source, track_id=track_id, kind=kind, title=new_title, album=new_album,
        path=f"{folder}/{track_id}_{_file_name(new_title)}.{suffix}",
        log_fame=source.log_fame - 2.0, tags=(source.artist_name, new_title, new_album),
        copy_of=source.track_id if kind == "duplicate" else "",
    )  # fmt: skip
