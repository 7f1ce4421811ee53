"""The published weights, in the user's cache or fetched into it; else the tests say why not."""

from __future__ import annotations

import pytest

from audiorec.exceptions import AudiorecError
from audiorec.models.pretrained import fetch


@pytest.fixture(scope="session")
def weights():
    """Names of the networks that are there."""
    try:
        return fetch("musicnn")
    except AudiorecError as error:
        pytest.skip(f"the published weights cannot be had: {error}")
