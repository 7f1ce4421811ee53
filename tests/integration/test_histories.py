"""Every kind of history, from import through run to answers; and what people do with listening."""

from __future__ import annotations

import json

import pytest

from .conftest import call
from .helpers import LONE


@pytest.mark.parametrize(
    "user", [*LONE, "lastfm", "anna", "ben", "evening", "morning", "list", "someone"]
)
def test_every_history_leads_to_answers(listened, user):
    answer = call("-w", listened, "recommend", user, "-k", "3", "--json")
    assert answer.code == 0, answer.err
    assert len(json.loads(answer.out)["results"]) == 3
