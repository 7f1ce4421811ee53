"""Networks that others trained and published: fetched once, kept in the user's cache.

`fetch` and what `PRETRAINED` tells need no torch; `load` and what hears do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiorec.pretrained.registry import PRETRAINED, Package, Pretrained, find
from audiorec.pretrained.store import describe, directory_of, fetch, fetch_remedy, is_fetched

if TYPE_CHECKING:
    from audiorec.pretrained.encoder import TagEncoder, Windows, load

__all__ = [
    "PRETRAINED",
    "Package",
    "Pretrained",
    "TagEncoder",
    "Windows",
    "describe",
    "directory_of",
    "fetch",
    "fetch_remedy",
    "find",
    "is_fetched",
    "load",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is first asked for."""
    if name in ("TagEncoder", "Windows", "load"):
        from audiorec.pretrained import encoder

        return getattr(encoder, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
