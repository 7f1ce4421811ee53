"""Listening stored by the server, and its conversion to plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.data.server.listening import (
        add_event,
        is_pending,
        listening_store,
        store_server_plays,
    )
    from audiorec.data.server.store import ServerStore, forget_listener

__all__ = [
    "ServerStore",
    "add_event",
    "forget_listener",
    "is_pending",
    "listening_store",
    "store_server_plays",
]

# Imported when asked for: the file alone needs nothing of the plays.
__getattr__ = lazy_attributes(
    __name__,
    {
        "listening": ("add_event", "is_pending", "listening_store", "store_server_plays"),
        "store": ("ServerStore", "forget_listener"),
    },
)
