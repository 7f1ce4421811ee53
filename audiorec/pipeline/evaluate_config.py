"""Settings of the held-out evaluation: splits, folds and seeds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from audiorec.config_base import MAX_SEED, Section


class EvaluateConfig(Section):
    """The held-out evaluation.

    Attributes
    ----------
    splits : tuple of {"artist-cold", "track-cold", "time-cold"}
        Time-cold holds out the tracks with the latest first plays.
    rank_by : {"tracks", "artists"}
        Ranked items. Artists, each scored by the mean over their cold tracks, are for plays that
        are known by artist only.
    test_fraction : float
        Share of the artists (or tracks) held out.
    folds : int
        0 holds out `test_fraction` once per seed. Otherwise the artists (or tracks) are divided
        into so many folds per seed, each held out in turn: for small catalogues, where a single
        split is too noisy.
    seeds : tuple of int
        One split, one set of factors and one network per seed (and fold).
    """

    splits: tuple[Literal["artist-cold", "track-cold", "time-cold"], ...] = ("artist-cold",)
    rank_by: Literal["tracks", "artists"] = "tracks"
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    folds: int = Field(default=0, ge=0, le=1000)
    seeds: tuple[Annotated[int, Field(ge=0, le=MAX_SEED)], ...] = (0, 1, 2)
    former: ClassVar[frozenset[str]] = frozenset({"n_bootstrap"})

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
