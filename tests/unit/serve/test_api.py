"""The HTTP API: the answers of the library, as JSON."""

from __future__ import annotations

import pytest

from audiorec.recommend.library import Library

API = "/api/v1"


def test_answers_are_those_of_the_library(client, workspace):
    found = client.get(f"{API}/similar", params={"seed": "t03", "k": 5}).json()
    own = Library(workspace).similar(["t03"], k=5)
    assert [hit["track_id"] for hit in found["results"]] == [hit.track_id for hit in own]
    assert [hit["score"] for hit in found["results"]] == pytest.approx([hit.score for hit in own])
    assert found["results"][0]["duration"] == 2.0 and found["query"] == ["t03"]
    body = {"seeds": ["t03", "Song 04"], "against": ["t05"], "k": 7, "per_artist": 1,
            "filters": {"genre": ["jazz"], "year": "1990-2020"}}  # fmt: skip
    answer = client.post(f"{API}/similar", json=body).json()["results"]
    assert answer and all(int(hit["track_id"][1:]) % 2 for hit in answer)
    assert len({hit["artist"] for hit in answer}) == len(answer)
