"""The command ``descriptors``."""

from __future__ import annotations

from audiorec.data.catalog import Catalog

from ..helpers import answer_json, call, failed


def test_each_track_is_measured_once(workspace):
    """Tracks that the scan measured are passed over; the second call has nothing to do."""
    n_tracks = answer_json("-w", workspace, "status")["tracks"]
    first = answer_json("-w", workspace, "descriptors", "-j", 1)
    assert first["measured"] + first["kept"] == n_tracks and first["failed"] == 0
    again = answer_json("-w", workspace, "descriptors", "-j", 1)
    assert (again["measured"], again["kept"]) == (0, n_tracks)
    told = call("-w", workspace, "descriptors", "-j", 1).out
    assert told == f"0 measured, {n_tracks} kept, 0 failed\n"


def test_before_a_scan(tmp_path):
    failed(call("-w", tmp_path / "nothing", "descriptors"), "scan")


def test_damaged_ones_are_named_and_measured_again(workspace):
    """An answer that needs them, and the doctor, say which command makes them again."""
    n_tracks = answer_json("-w", workspace, "status")["tracks"]
    answer_json("-w", workspace, "descriptors", "-j", 1)
    (table,) = (workspace / "descriptors").glob("table*.npy")
    table.write_bytes(table.read_bytes()[:-8])
    with Catalog(workspace / "catalog.sqlite", read_only=True) as catalog:
        track = catalog.tracks()[0].track_id
    failed(call("-w", workspace, "similar", track, "--tempo", "60-200"), "audiorec descriptors")
    doctor = call("-w", workspace, "doctor")
    assert doctor.code == 1 and "audiorec descriptors" in doctor.out + doctor.err
    again = answer_json("-w", workspace, "descriptors", "-j", 1)
    assert (again["measured"], again["failed"]) == (n_tracks, 0)
