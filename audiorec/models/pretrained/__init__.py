"""Published pretrained networks: downloaded once, kept in the user's cache."""

from audiorec.models.pretrained.download import (
    FETCH_REMEDY,
    fetch,
    is_fetched,
    model_info,
    weights_directory,
)
from audiorec.models.pretrained.registry import PRETRAINED, Pretrained, find

__all__ = [
    "FETCH_REMEDY",
    "PRETRAINED",
    "Pretrained",
    "fetch",
    "find",
    "is_fetched",
    "model_info",
    "weights_directory",
]
