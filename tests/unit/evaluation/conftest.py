"""The planted world; see `tests.unit.planted`."""

from __future__ import annotations

import pytest

from ..planted import Planted, make_planted


@pytest.fixture(scope="session")
def planted() -> Planted:
    return make_planted()
