"""OpenSubsonic, so that players of that protocol can use the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from audiorec.serve.state import State


def routes(state: State) -> list[BaseRoute]:
    """Routes under ``/rest``."""
    return []
