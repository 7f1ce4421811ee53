"""Networks that others trained and published: fetched once, kept in the user's cache."""

from audiorec.models.pretrained.download import (
    FETCH_REMEDY,
    describe,
    fetch,
    is_fetched,
    weights_directory,
)
from audiorec.models.pretrained.registry import PRETRAINED, Pretrained, find

__all__ = [
    "FETCH_REMEDY",
    "PRETRAINED",
    "Pretrained",
    "describe",
    "fetch",
    "find",
    "is_fetched",
    "weights_directory",
]
