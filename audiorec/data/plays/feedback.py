"""Likes and dislikes of tracks in the stored plays."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from audiorec.data.histories.imported_frame import OPTIONAL, SCHEMA
from audiorec.data.plays.writer import FEEDBACK, writing_plays
from audiorec.exceptions import DataError


def give_feedback(directory: Path, track_id: str, *, user: str, rating: float | None) -> None:
    """Store a listener's like or dislike of a track, in place of an earlier one.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; created if missing.
    track_id, user : str
    rating : float or None
        1, -1; or None, to withdraw an earlier rating.

    Raises
    ------
    DataError
        If there is no rating to withdraw.
    """
    schema = {**SCHEMA, **OPTIONAL}
    with writing_plays(directory) as writer:
        there = FEEDBACK in writer.parts
        rows = writer.frame(FEEDBACK) if there else pl.DataFrame(schema=schema)
        own = (pl.col("user_id") == user) & (pl.col("track_id") == track_id)
        rest = rows.filter(~own)
        if rating is None and len(rest) == len(rows):
            raise DataError(f"{user!r} has no opinion of this track to remove")
        if rating is not None:
            about = {"user_id": user, "track_id": track_id, "plays": 0.0, "rating": rating}
            row = pl.DataFrame([dict.fromkeys(schema) | about], schema)
            rest = pl.concat([rest, row])
        writer.drop(FEEDBACK)
        if len(rest):
            writer.put(FEEDBACK, rest, source="feedback", file="")
        writer.commit()
