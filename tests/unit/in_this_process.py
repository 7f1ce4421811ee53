"""Work that is done here, to save tests the start of workers."""

from __future__ import annotations

from audiorec.exceptions import AudiorecError
from audiorec.worker_pool import Outcome


def run_here(function, items, **_settings):
    """As `audiorec.worker_pool.run_isolated`, without its processes."""
    for item in items:
        try:
            yield Outcome(item, function(item), None)
        except AudiorecError as error:
            yield Outcome(item, None, str(error))
