"""Playlist request: one frozen value, from the command line or from a recipe."""

from __future__ import annotations

from dataclasses import dataclass, field

from audiorec.exceptions import ParameterError
from audiorec.playlist.option_values import (
    DEFAULT_LENGTH,
    KINDS,
    MEASURES,
    SHAPES,
    WITHOUT_SEEDS,
    Kind,
    Measure,
    Shape,
)
from audiorec.recommend import Space, TrackFilter

LIKE_EACH = 3  # tracks like each of the last plays


@dataclass(frozen=True)
class PlaylistRequest:
    """A request for a playlist.

    Parameters
    ----------
    seeds : tuple of str
        Names of tracks, or playlist files; see `audiorec.playlist.seeds`.
    artists, albums : tuple of str
        Whole artists and albums to start from.
    from_centre : bool
        Start from the most central track of those that match the filters; also the default if
        only filters are given.
    kind : str
        One of `audiorec.playlist.option_values.KINDS`.
    length : int or None
        Number of tracks; None if set by `minutes`, or for the default: 25, or three for each
        of `like_last`.
    minutes : float or None
        Total duration, met within half the median duration of a track.
    against : tuple of str
        Tracks whose kind is unwanted (negative seeds).
    after : tuple of str
        For a radio: tracks or a list already played, which it continues.
    users : tuple of str
        Listeners, for the kinds made for listeners.
    new_share : float
        Share of tracks that the listener has not played.
    like_last : int
        Three tracks like each of so many last plays, instead of familiar and new ones.
    by, shape : str
        Descriptor and shape of an arc.
    artist_window, album_window : int
        None occurs twice among so many consecutive tracks; 0 or 1 turns it off.
    per_artist, per_album : int
        Most tracks of each; 0 for any number.
    versions : bool
        Whether several versions of a song by one artist are allowed.
    diversity : float
        Penalty of a track for similarity to those already chosen, 0 to 1.
    shuffle : int or None
        Random seed for another playlist of the same request.
    avoid_recent : int
        Number of recent playlists whose tracks are avoided.
    filters : TrackFilter
    space, popularity
        See `audiorec.recommend.Library.similar`.
    path_map_in : tuple of str
        ``OLD=NEW``: local name of a folder that playlist files among the seeds call OLD.
    """

    seeds: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    from_centre: bool = False
    kind: Kind = "near"
    length: int | None = None
    minutes: float | None = None
    against: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    new_share: float = 0.5
    like_last: int = 0
    by: Measure = "tempo"
    shape: Shape = "rise"
    artist_window: int = 5
    album_window: int = 0
    per_artist: int = 0
    per_album: int = 0
    versions: bool = False
    diversity: float = 0.0
    shuffle: int | None = None
    avoid_recent: int = 0
    filters: TrackFilter = field(default_factory=TrackFilter)
    space: Space = "blend"
    popularity: float = 0.0
    path_map_in: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, among in (("kind", KINDS), ("by", MEASURES), ("shape", SHAPES)):
            if getattr(self, name) not in among:
                raise ParameterError(
                    f"{name}={getattr(self, name)!r} must be one of {', '.join(among)}"
                )
        if self.length is not None and self.minutes is not None:
            raise ParameterError(
                f"length={self.length} and minutes={self.minutes:g} exclude each other; give one"
            )
        for name, least in (
            ("length", 1), ("like_last", 0), ("artist_window", 0), ("album_window", 0),
            ("per_artist", 0), ("per_album", 0), ("avoid_recent", 0),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value < least:
                raise ParameterError(f"{name}={value} must be at least {least}")
        if self.minutes is not None and not 0 < self.minutes < 100_000:
            raise ParameterError(f"minutes={self.minutes} must be above 0 and below 100000")
        for name in ("new_share", "diversity"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name}={getattr(self, name)} must lie between 0 and 1")
        self._check_kind()

    @property
    def n_tracks(self) -> int:
        """Number of tracks, if not set by `minutes`."""
        return self.length or LIKE_EACH * self.like_last or DEFAULT_LENGTH

    @property
    def starts_from_centre(self) -> bool:
        """Whether it starts from the most central matching track."""
        named = self.seeds or self.artists or self.albums or self.after
        fits = bool(self.filters) and self.kind in ("near", "arc", "radio")
        return self.from_centre or (fits and not named)

    def _check_kind(self) -> None:
        given = bool(self.seeds or self.artists or self.albums)
        given = given or self.starts_from_centre or self.kind in WITHOUT_SEEDS
        given = given or (self.kind == "radio" and bool(self.after))
        if not given:
            raise ParameterError(f"kind {self.kind!r} starts from tracks; name one")
        if self.kind == "mix" and len(set(self.users)) < 2:
            raise ParameterError("a mix is for several listeners; name each with --user")
        if self.kind == "listener" and len(set(self.users)) > 1:
            raise ParameterError("kind 'listener' is for one of them; take --kind mix for several")
        named = (*self.seeds, *self.artists, *self.albums)
        if named and self.kind in WITHOUT_SEEDS:
            raise ParameterError(
                f"kind {self.kind!r} starts from what listeners played, not from {named[0]!r}; "
                "leave tracks, artists and albums out, or name another kind"
            )
        if self.like_last and self.kind != "listener":
            raise ParameterError(f"like-last goes with kind 'listener' alone, not {self.kind!r}")
        if self.after and self.kind != "radio":
            raise ParameterError(f"after goes with kind 'radio' alone, not {self.kind!r}")
        if self.kind == "reorder" and (self.length or self.minutes):
            raise ParameterError(
                "kind 'reorder' keeps every track of the list; leave length and minutes out"
            )
