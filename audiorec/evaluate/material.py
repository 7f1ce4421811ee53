"""What every split of an evaluation draws on: sound, plays, tracks, and which belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from audiorec.artifacts import fingerprint
from audiorec.data.bot_filter import daily_plays
from audiorec.data.grouping import artist_groups
from audiorec.data.net_plays import net_plays
from audiorec.embeddings import Embeddings
from audiorec.evaluate.ears import NO_EAR, Ear
from audiorec.evaluate.truth import load_truth
from audiorec.exceptions import ArtifactError, DataError
from audiorec.mel.duplicates import duplicates_of
from audiorec.pipeline.recipe import Recipe

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel.store import MelStore


@dataclass(frozen=True, eq=False)
class Material:
    """What the splits are made from.

    Attributes
    ----------
    store : MelStore
    plays : polars.DataFrame
        Columns user_id, track_id, plays: one row per listener and track, sorted; plays are net of
        skips and dislikes, below 0 where these outweigh them.
    daily : polars.DataFrame
        Plays of each listener and track on each day, sorted: what suspects are found from.
    tracks : dict of str to Track
        The catalogue, by track_id.
    artists : dict of str to str
        Artist of each track of the catalogue; a track without one is its own.
    together : dict of str to int
        Group of each track that has a duplicate: no group may straddle a split.
    audio : tuple of str
        Tracks of the catalogue that can be heard, sorted.
    recipe : Recipe
    truth : Embeddings or None
        Of a made world, what its tracks were composed with, for every track that can be heard.
    ear : Ear
        What a pretrained network heard, if one did.
    """

    store: MelStore
    plays: pl.DataFrame
    daily: pl.DataFrame
    tracks: Mapping[str, Track]
    artists: Mapping[str, str]
    together: Mapping[str, int]
    audio: tuple[str, ...]
    recipe: Recipe
    truth: Embeddings | None = None
    ear: Ear = NO_EAR

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that the scores depend on beside the other sections of the recipe."""
        return fingerprint(
            {
                "mels": self.store.fingerprint,
                "plays": fingerprint(self.plays.write_csv().encode()),
                "daily": fingerprint(self.daily.write_csv().encode()),
                "tracks": [
                    [i, self.artists[i], track.genre, self.together.get(i)]
                    for i, track in self.tracks.items()
                ],
                "audio": list(self.audio),
                "listening": self.recipe.interactions.model_dump(mode="json"),
            }
        )

    @cached_property
    def owners(self) -> dict[str, str]:
        """Artist of each track of the catalogue, where those who share a recording are one.

        What is chosen on artists that were left out is dealt by these.
        """
        return artist_groups(self.tracks, self.artists, self.together)

    @cached_property
    def first_days(self) -> dict[str, int]:
        """Day of the first play of each track of the catalogue with a time, since 1970-01-01."""
        days = (
            self.daily.filter(pl.col("day").is_not_null() & (pl.col("plays") > 0))
            .group_by("track_id")
            .agg(pl.col("day").min())
        )
        known = zip(days["track_id"].to_list(), days["day"].to_list(), strict=True)
        return {i: day for i, day in known if i in self.tracks}

    @cached_property
    def mel_statistics(self) -> Embeddings:
        """Mean and deviation over time of each mel band, [shape=(n_audio, 2 * n_mels)], dB."""
        return statistics_of(self.store, self.audio)

    @cached_property
    def genres(self) -> tuple[str, ...]:
        """Every genre of a track that can be heard, sorted."""
        return tuple(sorted({self.tracks[i].genre or "" for i in self.audio} - {""}))

    @cached_property
    def genre_columns(self) -> Embeddings:
        """One column per genre, 1 where the track has it, [shape=(n_audio, n_genres)]."""
        columns = {genre: column for column, genre in enumerate(self.genres)}
        matrix = np.zeros((len(self.audio), len(columns)), dtype=np.float32)
        for row, track_id in enumerate(self.audio):
            genre = self.tracks[track_id].genre
            if genre:
                matrix[row, columns[genre]] = 1
        return Embeddings(self.audio, matrix)


def statistics_of(store: MelStore, ids: Sequence[str]) -> Embeddings:
    """Mean and deviation over time of each mel band, [shape=(n, 2 * n_mels)]."""
    rows = []
    for track_id in ids:
        clips = store.mels(track_id)
        frames = np.concatenate([np.asarray(mel, dtype=np.float32) for mel in clips], axis=1)
        rows.append(np.concatenate([frames.mean(axis=1), frames.std(axis=1)]))
    return Embeddings(ids, np.stack(rows))


def gather(
    store: MelStore,
    plays: pl.DataFrame,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    truth: Path | None = None,
) -> Material:
    """Check what was given and bring it into the form that the splits need.

    Parameters
    ----------
    store, plays, tracks, recipe
        See `audiorec.evaluate.evaluate`.
    truth : Path, optional
        A made world's ``truth.npz``.

    Raises
    ------
    ArtifactError
        If no track of the catalogue has a spectrogram.
    DataError
        If there are no plays.
    """
    known = {track.track_id: track for track in sorted(tracks, key=lambda t: t.track_id)}
    audio = tuple(sorted(set(store.ids) & known.keys()))
    if not audio:
        raise ArtifactError(
            f"none of the {len(known)} tracks has mels to evaluate on; run 'audiorec mel' first"
        )
    listened = (
        net_plays(plays, rating_plays=recipe.interactions.rating_plays)
        .lazy()
        .group_by("user_id", "track_id")
        .agg(pl.col("plays").sum())
        .filter(pl.col("plays") != 0)
        .sort("user_id", "track_id")
        .collect()
    )
    if not (listened["plays"] > 0).any():
        raise DataError("there are no plays to evaluate on; import some with 'audiorec plays FILE'")
    return Material(
        store=store,
        plays=listened,
        daily=daily_plays(plays).sort("user_id", "track_id", "day"),
        tracks=known,
        artists={i: track.artist_key for i, track in known.items()},
        together=duplicates_of(store, known),
        audio=audio,
        recipe=recipe,
        truth=None if truth is None else load_truth(truth, ids=audio),
    )
