"""Net feedback of a listener on a track: plays less skips, and ratings.

Counts of plays are evidence for a track, skips and dislikes are evidence against it. For each
listener and track, with r completed plays, s skips and the mean rating q from -1 to 1, which counts
for K plays, the net plays are

    r + K q      where the track is liked, q > 0: a skip now and then takes nothing back;
    -(s + K |q|) where it is disliked, q < 0: having played it does not make it liked;
    r - s        where there is no rating, or a neutral one.

Above 0 it is evidence for the track, below 0 against it. At 0, with as many skips as completed
plays, it is no evidence at all. The confidence that this gives is computed by
`audiorec.factors.signed_confidence`.
"""

from __future__ import annotations

import polars as pl

from audiorec.data.plays.config import RATING_PLAYS

KEY = ("user_id", "track_id")


def net_plays(plays: pl.DataFrame, *, rating_plays: float = RATING_PLAYS) -> pl.DataFrame:
    """Compute plays minus skips and dislikes.

    Parameters
    ----------
    plays : pl.DataFrame
        Columns user_id, track_id, plays and, optionally, skipped and rating.
    rating_plays : float
        Plays that a full rating is equivalent to (K).

    Returns
    -------
    net : pl.DataFrame
        Columns user_id, track_id and plays. If `plays` has skips or ratings: one row per listener
        and track, none where both sides are equal. Otherwise the rows unchanged.
    """
    has_skips, has_ratings = "skipped" in plays.columns, "rating" in plays.columns
    if not has_skips and not has_ratings:
        return plays.select(*KEY, "plays")
    skips = pl.col("skipped").fill_null(0.0) if has_skips else pl.lit(0.0)
    rating = pl.col("rating") if has_ratings else pl.lit(None, dtype=pl.Float64)
    whole = (pl.col("plays") - skips).clip(lower_bound=0.0)
    liked, r, s = pl.col("liked"), pl.col("whole"), pl.col("skips")
    return (
        plays.lazy()
        .select(*KEY, whole=whole, skips=skips, liked=rating)
        .group_by(KEY)
        .agg(pl.col("whole", "skips").sum(), pl.col("liked").mean().fill_null(0.0))
        .select(
            *KEY,
            plays=pl.when(liked > 0)
            .then(r + rating_plays * liked)
            .when(liked < 0)
            .then(rating_plays * liked - s)
            .otherwise(r - s),
        )
        .filter(pl.col("plays") != 0)
        .collect()
    )
