"""Batched search for similar tracks: queries that arrive during a search are answered together.

One pass over the vectors then serves all of them, so that many listeners at once cost little more
than one. Each answer equals that of `Library.similar`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from operator import methodcaller
from typing import NamedTuple

from audiorec.recommend import Hit, Space
from audiorec.serve.library import SharedLibrary

MOST = 32  # queries in one search


class SearchOptions(NamedTuple):
    """Search parameters, equal for all queries of a batch."""

    k: int = 10
    space: Space = "blend"
    popularity: float = 0.0
    versions: bool = False


class SimilarBatch:
    """Batched search for tracks similar to one track, without filters or limits.

    Parameters
    ----------
    library : SharedLibrary
    """

    def __init__(self, library: SharedLibrary) -> None:
        self._library = library
        self._waiting: dict[SearchOptions, list[tuple[str, asyncio.Future[list[Hit]]]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def similar(self, seed: str, *, options: SearchOptions) -> list[Hit]:
        """Find tracks similar to one; see `Library.similar`."""
        future: asyncio.Future[list[Hit]] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(options, []).append((seed, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._answer_all())
        return await future

    async def _answer_all(self) -> None:
        while self._waiting:
            options = next(iter(self._waiting))
            asked = self._waiting.pop(options)
            if len(asked) > MOST:
                self._waiting[options] = asked[MOST:]
                asked = asked[:MOST]
            seeds = [[seed] for seed, _ in asked]
            found: Sequence[list[Hit] | Exception]
            try:
                found = await self._library.call_quick(
                    methodcaller("similar_many", seeds, **options._asdict())
                )
            except Exception as error:
                found = [error] * len(asked)
            for (_, future), answer in zip(asked, found, strict=True):
                if future.done():  # the client has disconnected
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
