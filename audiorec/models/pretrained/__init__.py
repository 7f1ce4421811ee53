"""Networks that others trained and published: fetched once, kept in the user's cache."""

from audiorec.models.pretrained.download import (
    describe,
    directory_of,
    fetch,
    fetch_remedy,
    is_fetched,
)
from audiorec.models.pretrained.registry import PRETRAINED, Pretrained, WeightsPackage, find

__all__ = [
    "PRETRAINED",
    "Pretrained",
    "WeightsPackage",
    "describe",
    "directory_of",
    "fetch",
    "fetch_remedy",
    "find",
    "is_fetched",
]
