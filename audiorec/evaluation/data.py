"""Evaluation data: spectrograms, plays, tracks, and groups of related tracks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from audiorec.artifacts import fingerprint
from audiorec.data import artist_groups
from audiorec.data.plays import daily_plays, net_plays
from audiorec.data.plays.bot_filter import SECONDS_PER_DAY
from audiorec.embeddings import Embeddings
from audiorec.evaluation.encoder_inputs import EncoderInputs, InputsOf, no_pretrained
from audiorec.evaluation.mel_features import mel_statistics, mfcc_statistics
from audiorec.evaluation.truth_file import load_truth
from audiorec.exceptions import ArtifactError, DataError, ParameterError
from audiorec.mel import duplicates_of
from audiorec.pipeline import Recipe

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel import MelStore


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """Data from which hold-outs are made.

    Attributes
    ----------
    store : MelStore
    plays : polars.DataFrame
        Columns user_id, track_id, plays: one row per listener and track, sorted; plays are net of
        skips and dislikes, below 0 if these outweigh them.
    daily : polars.DataFrame
        Plays of each listener and track on each day, sorted, for the bot filter.
    raw_plays : polars.DataFrame
        Plays as given, with their times.
    tracks : dict of str to Track
        The catalogue, by track_id.
    artists : dict of str to str
        Artist of each track of the catalogue; a track without one gets its own.
    duplicates : dict of str to int
        Group of each track that has a duplicate: no group may straddle a split.
    audio : tuple of str
        Tracks of the catalogue with a spectrogram, sorted.
    recipe : Recipe
    truth : Embeddings or None
        True attributes of a synthetic world, for every track of `audio`.
    inputs_of : callable
        Returns the `EncoderInputs` of an encoder, by its name.
    frozen : frozenset of str
        Artists held out together, in a separate split.
    held_out_from : frozenset of str
        Artists that may be held out; empty for all. The others are for training only.
    """

    store: MelStore
    plays: pl.DataFrame
    daily: pl.DataFrame
    raw_plays: pl.DataFrame
    tracks: Mapping[str, Track]
    artists: Mapping[str, str]
    duplicates: Mapping[str, int]
    audio: tuple[str, ...]
    recipe: Recipe
    truth: Embeddings | None = None
    inputs_of: InputsOf = no_pretrained
    frozen: frozenset[str] = frozenset()
    held_out_from: frozenset[str] = frozenset()

    @cached_property
    def _inputs(self) -> dict[str, EncoderInputs]:
        return {}

    def inputs(self, encoder: str) -> EncoderInputs:
        """Return the inputs of an encoder, computed once, which may take hours."""
        if encoder not in self._inputs:
            self._inputs[encoder] = self.inputs_of(encoder, self.store)
        return self._inputs[encoder]

    def plays_before(self, day: int) -> pl.DataFrame:
        """Return `plays` restricted to known times before a day (days since 1970-01-01)."""
        before = pl.col("timestamp") < day * SECONDS_PER_DAY
        return _net_plays(self.raw_plays.filter(before))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the data that scores depend on, besides sections of the recipe."""
        return fingerprint(
            {
                "mels": self.store.fingerprint,
                "plays": fingerprint(self.plays.write_csv().encode()),
                "daily": fingerprint(self.daily.write_csv().encode()),
                **self._times,
                "tracks": [
                    [i, self.artists[i], track.genre, self.duplicates.get(i)]
                    for i, track in self.tracks.items()
                ],
                "audio": list(self.audio),
                "frozen": sorted(self.frozen),
                "held out from": sorted(self.held_out_from),
                "interactions": self.recipe.interactions.model_dump(mode="json"),
            }
        )

    @property
    def _times(self) -> dict[str, str]:
        """Digest of the times of plays, if hold-outs depend on them."""
        if "time-cold" not in self.recipe.evaluate.splits:
            return {}
        rows = self.raw_plays.select(sorted(self.raw_plays.columns))
        return {"times": fingerprint(rows.sort(rows.columns).write_csv().encode())}

    @cached_property
    def artist_groups(self) -> dict[str, str]:
        """Artist of each track of the catalogue, with artists who share a recording merged.

        Choices made on left-out artists split by these.
        """
        return artist_groups(self.tracks, self.artists, self.duplicates)

    @cached_property
    def may_hold_out(self) -> tuple[str, ...]:
        """Tracks of the catalogue that may be held out."""
        some = self.held_out_from
        return tuple(i for i in self.tracks if not some or self.artist_groups[i] in some)

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
        return mel_statistics(self.store, self.audio)

    @cached_property
    def mfcc_statistics(self) -> Embeddings:
        """Mean and deviation over time of 20 MFCCs, [shape=(n_audio, 40)]."""
        return mfcc_statistics(self.store, self.audio)

    @cached_property
    def genres(self) -> tuple[str, ...]:
        """Every genre of a track with audio, sorted."""
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


def prepare_data(
    store: MelStore,
    plays: pl.DataFrame,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    truth: Path | None = None,
    inputs_of: InputsOf = no_pretrained,
    frozen: Collection[str] = (),
    held_out_from: Collection[str] = (),
) -> EvaluationData:
    """Check the inputs, and convert them to the form that the splits need.

    Parameters
    ----------
    store, plays, tracks, recipe
        See `audiorec.evaluation.evaluate`.
    truth : Path, optional
        ``truth.npz`` of a synthetic world.
    inputs_of : callable, optional
        See `EvaluationData`.
    frozen, held_out_from : collection of str
        Names of artists; see `EvaluationData`.

    Raises
    ------
    ArtifactError
        If no track of the catalogue has a spectrogram.
    DataError
        If there are no plays.
    ParameterError
        If the recipe factorises sessions: hold-outs learn from listeners.
    """
    if recipe.factors.rows == "sessions":
        raise ParameterError(
            "[factors] rows='sessions' is not evaluated here: hold-outs learn from listeners; "
            "ask 'audiorec evaluate --study one-listener', or set rows = \"users\""
        )
    known = {track.track_id: track for track in sorted(tracks, key=lambda t: t.track_id)}
    audio = tuple(sorted(set(store.ids) & known.keys()))
    if not audio:
        raise ArtifactError(
            f"none of the {len(known)} tracks has mels to evaluate on; run 'audiorec mel' first"
        )
    listened = _net_plays(plays)
    if not (listened["plays"] > 0).any():
        raise DataError("there are no plays to evaluate on; import some with 'audiorec plays FILE'")
    return EvaluationData(
        store=store,
        plays=listened,
        daily=daily_plays(plays).sort("user_id", "track_id", "day"),
        raw_plays=plays,
        tracks=known,
        artists={i: track.artist_key for i, track in known.items()},
        duplicates=duplicates_of(store, known),
        audio=audio,
        recipe=recipe,
        truth=None if truth is None else load_truth(truth, ids=audio),
        inputs_of=inputs_of,
        frozen=frozenset(name.strip().casefold() for name in frozen),
        held_out_from=frozenset(name.strip().casefold() for name in held_out_from),
    )


def _net_plays(plays: pl.DataFrame) -> pl.DataFrame:
    """Compute net plays, one row per listener and track, sorted."""
    return (
        net_plays(plays)
        .lazy()
        .group_by("user_id", "track_id")
        .agg(pl.col("plays").sum())
        .filter(pl.col("plays") != 0)
        .sort("user_id", "track_id")
        .collect()
    )
