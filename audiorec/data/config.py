"""Settings of the interactions (bot filter, feedback) and of the hold-outs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from audiorec.config import MAX_SEED, Section

Rule = Literal["daily", "repeat", "identical"]


class ListeningConfig(Section):
    """Which listening is believed, and what skips and ratings say.

    Attributes
    ----------
    rules : tuple of {"daily", "repeat", "identical"}
        What makes a listener suspect; see `audiorec.data.bot_filter`. No rules believe everybody.
    keep : tuple of str
        Listeners who are believed, whatever the rules say.
    plays_per_day : int
        More plays in one day (UTC) are no person's. Songs of 3.5 minutes fill a day with 411.
    repeat_per_day : int
        More plays of one track in one day are no person's.
    repeat_share, repeat_plays : float, int
        A listener is suspect of whose plays at least this share, and at least so many, are of one
        track. The count must also be 20 times that of the median listener's favourite: in some
        data a count is years of an artist.
    identical_listeners, identical_tracks : int
        So many listeners with the same plays of the same tracks, at least so many tracks, are one
        script. Where counts differ between listeners, or are all alike, twice as many tracks are
        asked for, and these at most half of the catalogue: hearing one album through makes nobody
        suspect.
    rating_plays : float
        A full rating (-1 or 1) counts as much as so many skips or plays.
    """

    rules: tuple[Rule, ...] = ("daily", "repeat", "identical")
    keep: tuple[str, ...] = ()
    plays_per_day: int = Field(default=1000, ge=1)
    repeat_per_day: int = Field(default=500, ge=1)
    repeat_share: float = Field(default=0.99, gt=0, le=1)
    repeat_plays: int = Field(default=1000, ge=1)
    identical_listeners: int = Field(default=3, ge=2)
    identical_tracks: int = Field(default=8, ge=1)
    rating_plays: float = Field(default=10.0, gt=0)


class EvaluateConfig(Section):
    """The held-out evaluation.

    Attributes
    ----------
    splits : tuple of {"artist-cold", "track-cold", "time-cold"}
        Time-cold holds out the tracks that were first played last.
    rank : {"tracks", "artists"}
        What is ranked. Artists, each scored by the mean over their cold tracks, are for listening
        that is known by artist only.
    test_share : float
        Share of the artists (or tracks) held out.
    folds : int
        0 holds out `test_share` once per seed. Otherwise the artists (or tracks) are dealt into so
        many folds per seed, and each is held out in turn: for small catalogues, where one split
        says little.
    seeds : tuple of int
        One split, one set of factors and one network per seed (and fold).
    n_bootstrap : int
        Resamples of the listeners behind the 95 % intervals.
    """

    splits: tuple[Literal["artist-cold", "track-cold", "time-cold"], ...] = ("artist-cold",)
    rank: Literal["tracks", "artists"] = "tracks"
    test_share: float = Field(default=0.2, gt=0, lt=1)
    folds: int = Field(default=0, ge=0, le=1000)
    seeds: tuple[Annotated[int, Field(ge=0, le=MAX_SEED)], ...] = (0, 1, 2)
    n_bootstrap: int = Field(default=1000, ge=10, le=100_000)

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.seeds or not self.splits:
            raise ValueError("seeds and splits must each name at least one")
        for name, values in (("seeds", self.seeds), ("splits", self.splits)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name}={list(values)} names one twice; name each once")
        if self.folds == 1:
            raise ValueError("folds=1 would leave nothing to learn from; take 0, or 2 or more")
        return self
