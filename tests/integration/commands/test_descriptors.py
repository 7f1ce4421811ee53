"""The command ``descriptors``."""

from __future__ import annotations

from ..helpers import answer_json, call, failed


def test_each_track_is_measured_once(workspace):
    """Tracks that the scan measured are passed over; the second call has nothing to do."""
    n_tracks = answer_json("-w", workspace, "status")["tracks"]
    first = answer_json("-w", workspace, "descriptors", "-j", 1)
    assert first["measured"] + first["kept"] == n_tracks and first["failed"] == 0
    again = answer_json("-w", workspace, "descriptors", "-j", 1)
    assert (again["measured"], again["kept"]) == (0, n_tracks)


def test_before_a_scan(tmp_path):
    failed(call("-w", tmp_path / "nothing", "descriptors"), "scan")
