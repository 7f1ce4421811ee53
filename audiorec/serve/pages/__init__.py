"""Pages for a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from audiorec.serve.state import State


def routes(state: State) -> list[BaseRoute]:
    """Routes of the pages, and of what they need."""
    return []
