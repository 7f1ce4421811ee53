"""The worker that decodes, and threads that do not wait for each other."""

from __future__ import annotations

import asyncio
import threading

import pytest

from audiorec.exceptions import AudioError, BusyError
from audiorec.serve.decode_worker import MOST_WAITING, DecodeWorker
from audiorec.serve.library import SharedLibrary


def test_only_so_many_wait_for_the_worker():
    worker = DecodeWorker()
    places = [worker.place() for _ in range(MOST_WAITING)]
    for place in places:
        place.__enter__()
    with pytest.raises(BusyError, match="in a moment"), worker.place():
        pass
    for place in places:
        place.__exit__(None, None, None)
    with worker.place():
        pass


def test_what_fails_in_the_worker_is_an_error_of_the_file():
    worker = DecodeWorker()
    with pytest.raises(AudioError, match="could not convert"):
        asyncio.run(worker.call(float, "no number"))
    assert asyncio.run(worker.call(float, "1.5")) == 1.5
    worker.close()


def test_what_takes_seconds_keeps_nothing_quick_waiting(workspace):
    library = SharedLibrary(workspace)
    library.warm_up()

    over = threading.Event()

    async def work():
        slow = [asyncio.create_task(library.call(lambda _: over.wait(60))) for _ in range(8)]
        await asyncio.sleep(0.05)
        quick = library.call_quick(lambda own: own.catalog.get("t03"))
        found = await asyncio.wait_for(quick, 30)
        over.set()
        assert all(await asyncio.gather(*slow))
        return found

    assert asyncio.run(work()).title == "Song 03"
    library.close()
