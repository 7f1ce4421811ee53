"""Request and response bodies of the API, except those of jobs and exclusions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from audiorec.playlist import PlaylistRequest
from audiorec.playlist.option_values import Format, Kind, Measure, Shape
from audiorec.recommend import Space, TrackFilter
from audiorec.sessions import ModelChoice

Name = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=200)]
Names = Annotated[list[Name], Field(max_length=200)]
Words = Annotated[list[Word], Field(max_length=50)]
Count = Annotated[int, Field(ge=1, le=1000)]
AtMost = Annotated[int, Field(ge=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Dial = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class RequestBody(BaseModel):
    """A request body; unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class TrackModel(BaseModel):
    """A track of the catalogue; names are empty where unknown."""

    track_id: str
    artist: str
    title: str
    album: str
    number: int | None
    year: int | None
    genre: str
    duration: float = Field(description="Seconds; 0 where unknown.")
    path: str
    format: str
    content_type: str
    playable: bool = Field(description="Whether current browsers play the format.")
    missing: bool
    start: float = Field(description="Start in its file, s; above 0 for a track of a CUE sheet.")
    end: float | None = Field(description="End in its file, s; null for the end of the file.")
    guessed: list[str] = Field(description="Names that were guessed from the path.")


class FoundModel(BaseModel):
    """Tracks that match words, best first."""

    query: str
    n: int = Field(description="Number of matches; only some are listed.")
    results: list[TrackModel]


class HitModel(BaseModel):
    """A ranked track of an answer."""

    rank: int
    track_id: str
    score: float
    percentile: float | None = None
    artist: str
    title: str
    album: str = ""
    path: str
    duration: float = 0.0
    playable: bool = True
    start: float = Field(default=0.0, description="Start in its file, s.")
    end: float | None = None
    guessed: list[str] = []


class AnswerModel(BaseModel):
    """Ranked tracks."""

    query: list[str] = []
    user: str | None = None
    session: list[str] | None = None
    model: str | None = None
    unknown: list[str] | None = Field(
        default=None, description="Tracks that the model does not know."
    )
    space: str
    stale: bool = Field(description="Whether plays are newer than the model.")
    results: list[HitModel]


class Filters(RequestBody):
    """Filters of the recommended tracks; empty ones have no effect."""

    genre: Words = []
    year: Text = ""
    length: Text = ""
    tempo: Text = ""
    key: Words = []
    tags: Words = []
    without_tags: Words = []
    path: Words = []
    added_since: Text = ""
    not_artist: Words = []
    new_for: Text = ""
    unplayed_since: Text = ""
    unplayed_by: Text = ""
    min_confidence: Share = 0.1

    def to_filter(self) -> TrackFilter:
        """Convert to the filter of the library."""
        return TrackFilter.from_table(self.model_dump())


class TracksRequest(RequestBody):
    """Common options of requests for tracks."""

    k: Count = 10
    space: Space = "blend"
    popularity: Dial = 0.0
    versions: bool = False
    filters: Filters = Filters()
    per_artist: AtMost = 0
    per_album: AtMost = 0

    def to_options(self) -> dict[str, Any]:
        """Convert to options of `Library.similar` and `Library.recommend`."""
        options = {name: getattr(self, name) for name in TracksRequest.model_fields}
        return {**options, "filters": self.filters.to_filter()}


class SimilarRequest(TracksRequest):
    """A request for tracks near some, and not near others."""

    seeds: Annotated[list[Name], Field(min_length=1, max_length=200)]
    against: Names = []
    min_score: Percent = 0.0


class RecommendRequest(TracksRequest):
    """A request for tracks for a listener, by default the requesting one."""

    user: Name | None = None
    heard: bool = False
    session: Annotated[list[Name], Field(max_length=500)] = Field(
        default=[],
        description="Tracks just played, oldest first; without a user, answered as by `next`.",
    )


class NextRequest(RequestBody):
    """A request for what to play after some tracks, oldest first."""

    tracks: Annotated[list[Name], Field(min_length=1, max_length=500)]
    skipped: Names = []
    k: Count = 10
    model: ModelChoice = "auto"


class PlaylistOptions(RequestBody):
    """A request for a playlist; see the command ``playlist``."""

    seeds: Annotated[list[Name], Field(max_length=500)] = []
    artists: Words = []
    albums: Words = []
    from_centre: bool = False
    kind: Kind = "near"
    length: Annotated[int, Field(ge=1, le=1000)] | None = None
    minutes: Annotated[float, Field(gt=0, le=6000, allow_inf_nan=False)] | None = None
    against: Names = []
    after: Annotated[list[Name], Field(max_length=500)] = []
    users: Words = []
    new_share: Share = 0.5
    like_last: Annotated[int, Field(ge=0, le=100)] = 0
    by: Measure = "tempo"
    shape: Shape = "rise"
    artist_window: AtMost = 5
    album_window: AtMost = 0
    per_artist: AtMost = 0
    per_album: AtMost = 0
    versions: bool = False
    diversity: Share = 0.0
    shuffle: Annotated[int, Field(ge=0, le=2**31)] | None = None
    avoid_recent: Annotated[int, Field(ge=0, le=100)] = 0
    filters: Filters = Filters()
    space: Space = "blend"
    popularity: Dial = 0.0

    def to_request(self) -> PlaylistRequest:
        """Convert to the request of the library."""
        table: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.model_dump(exclude={"filters"}).items()
        }
        return PlaylistRequest(**table, filters=self.filters.to_filter())


class EntryModel(HitModel):
    """A track of a playlist, why it was chosen, and its distance from the one before."""

    reason: str
    distance: float | None


class PlaylistModel(BaseModel):
    """A playlist."""

    kind: str
    space: str
    stale: bool
    seeds: list[str]
    notes: list[str]
    seconds: float
    results: list[EntryModel]


class ReplacementRequest(RequestBody):
    """A request for a replacement of one track of a playlist."""

    track_ids: Annotated[list[Name], Field(min_length=1, max_length=1000)]
    position: Annotated[int, Field(ge=0, le=999)]
    dropped: Names = Field(default=[], description="Tracks that were dropped before.")
    filters: Filters = Filters()


class PlaylistFileRequest(RequestBody):
    """Tracks to write as a playlist file of another program."""

    track_ids: Annotated[list[Name], Field(min_length=1, max_length=5000)]
    format: Format = "m3u8"
    name: Annotated[str, StringConstraints(max_length=100)] = "playlist"


class RecipeRequest(RequestBody):
    """A playlist recipe to save, for making the playlist again."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    format: Format = "m3u8"
    request: PlaylistOptions


class RecipesModel(BaseModel):
    """Names of the saved recipes."""

    saved: list[str]


class SharedListenersModel(BaseModel):
    """Listeners shared by two tracks."""

    both: int
    first: int
    second: int
    everyone: int
    expected: float


class OccludedPartModel(BaseModel):
    """A part of a clip, in seconds or Hz, and the loss of cosine without it."""

    start: float
    end: float
    loss: float


class OcclusionModel(BaseModel):
    """Time spans and bands of a track's audio that carry a match."""

    track_id: str
    cosine: float = Field(description="Cosine of the vectors predicted from both tracks' audio.")
    seconds: list[OccludedPartModel]
    bands: list[OccludedPartModel]
    clip_starts: list[float] = Field(description="Start of each clip in the recording, s.")


class ExplanationModel(BaseModel):
    """Explanation of a match of two tracks."""

    first: str
    second: str
    score: float
    percentile: float
    same_song: bool
    other_version: bool
    listeners: SharedListenersModel | None
    shared_neighbours: int
    n_neighbours: int
    words_both: list[str]
    words_first: list[str]
    words_second: list[str]
    alike: dict[str, list[float | str]]
    apart: dict[str, list[float | str]]
    sound: list[OcclusionModel] | None = Field(
        default=None, description="For each of the two tracks; null unless requested."
    )


class ListenerModel(BaseModel):
    """A listener, and how many plays of theirs are known."""

    user: str
    plays: float
    tracks: int


class ListenersModel(BaseModel):
    """Listeners, those with the most plays first."""

    n: int
    results: list[ListenerModel]


class StatusModel(BaseModel):
    """State of the workspace; see the command ``status``."""

    model_config = ConfigDict(extra="allow")

    workspace: str
    tracks: int
    failures: int
    notes: int
    words: dict[str, int]
    stale: dict[str, str]
    tracks_with_listening: int
    listeners: int
    plays: int
    artifacts: dict[str, str]


class FailureModel(BaseModel):
    """A file that could not be used, or a note on one that is."""

    path: str
    stage: str
    reason: str


class ListeningRequest(RequestBody):
    """A listener's play, skip or opinion of a track."""

    kind: Literal["like", "dislike", "clear", "rate", "star", "unstar", "play"]
    id: Name
    stars: Annotated[int, Field(ge=0, le=5)] = 0
    seconds: Annotated[float, Field(ge=0, le=864_000, allow_inf_nan=False)] | None = Field(
        default=None, description="Seconds it was played; if absent, it counts as a play."
    )
    at: Annotated[int, Field(ge=788_918_400, le=4_102_444_800)] | None = Field(
        default=None, description="Start of the play, seconds since 1970; by default now."
    )


class ListeningModel(BaseModel):
    """Feedback that was stored, and a listener's opinion of a track, on disk."""

    user: str
    track_id: str
    stored: Literal["play", "skip", "rating", ""] = Field(
        description="Empty if neither a play nor a skip."
    )
    liked: bool
    disliked: bool
    stars: int


class LoginState(BaseModel):
    """The logged-in user, and the token that a change must carry in ``X-CSRF-Token``."""

    user: str
    csrf: str
