"""The command ``map``."""

from __future__ import annotations

import pytest

from ..helpers import call, failed


def test_every_track_has_a_point_and_stays_there(workspace):
    pytest.importorskip("openTSNE", reason="no openTSNE: pip install 'audiorec-music[serve]'")
    first = call("-w", workspace, "map")
    assert first.code == 0, first.err
    points = {p.name: p.read_bytes() for p in sorted((workspace / "map").iterdir())}
    assert points
    assert call("-w", workspace, "map").code == 0
    assert {p.name: p.read_bytes() for p in sorted((workspace / "map").iterdir())} == points


def test_before_there_is_an_index(scanned):
    pytest.importorskip("openTSNE", reason="no openTSNE: pip install 'audiorec-music[serve]'")
    failed(call("-w", scanned, "map"), "index")
