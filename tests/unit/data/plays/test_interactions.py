"""Stored plays and the sparse matrix made of them."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec import artifacts
from audiorec.data import import_plays
from audiorec.data.plays import Interactions, all_played_tracks, load_plays, to_interactions
from audiorec.exceptions import ArtifactError, DataError, NotFoundError, ParameterError


@pytest.fixture
def write(tmp_path):
    def write(rows: str, name: str = "plays.csv", *, header: str = "user_id,track_id,plays"):
        path = tmp_path / name
        path.write_text(f"{header}\n{rows}")
        return path

    return write


def frame(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["user_id", "track_id", "plays"], orient="row").cast(
        {"plays": pl.Float64}
    )


def test_report_counts_what_was_read(tmp_path, write):
    file = write(
        "u,t,1,100\nu,t,1,100\nu,t,2,100\nu,t,1,200\nv,t,3,\nv,t,3,\nv,s,0,7\n",
        header="user_id,track_id,plays,timestamp",
    )
    report = import_plays(tmp_path / "plays", file)
    assert report._asdict() == {
        "rows": 5, "users": 2, "tracks": 1, "duplicates": 1, "summed": 1, "skipped": 1,
        "replaced": 0, "skips": 0, "ratings": 0, "unknown": 0,
        "problems": (),
        "missing": (),
    }  # fmt: skip
    matrix = to_interactions(load_plays(tmp_path / "plays"))
    assert matrix.user_items.toarray().tolist() == [[4.0], [6.0]]


def test_tracks_without_audio_are_kept(tmp_path, write):
    import_plays(tmp_path / "plays", write("u,never-scanned,2\n"))
    assert load_plays(tmp_path / "plays")["track_id"].to_list() == ["never-scanned"]


def test_the_same_file_again_takes_its_own_place(tmp_path, write):
    store = tmp_path / "plays"
    import_plays(store, write("u,t,1\nu,s,2\n", "a.csv"))
    import_plays(store, write("v,t,5\n", "b.csv"))
    before = artifacts.load_manifest(store, kind="plays").fingerprint
    again = import_plays(store, tmp_path / "a.csv")
    assert again.replaced == 2
    assert artifacts.load_manifest(store, kind="plays").fingerprint == before
    assert to_interactions(load_plays(store)).n_plays == 8
    changed = import_plays(store, write("u,t,7\n", "a.csv"))
    assert (changed.rows, changed.replaced) == (1, 2)
    assert sorted(load_plays(store).rows()) == [("u", "t", 7.0, None), ("v", "t", 5.0, None)]


def test_the_same_rows_under_another_path_count_once(tmp_path, write):
    store = tmp_path / "plays"
    import_plays(store, write("u,t,1\n", "a.csv"))
    assert import_plays(store, write("u,t,1\n", "copy.csv")).replaced == 1
    assert load_plays(store).rows() == [("u", "t", 1.0, None)]


def test_two_exports_of_one_history_count_each_event_once(tmp_path, write):
    timed = "user_id,track_id,plays,timestamp"
    import_plays(tmp_path / "plays", write("u,t,1,100\nu,t,1,200\n", "may.csv", header=timed))
    import_plays(tmp_path / "plays", write("u,t,1,200\nu,t,1,300\n", "june.csv", header=timed))
    assert sorted(load_plays(tmp_path / "plays")["timestamp"]) == [100, 200, 300]


def test_counts_without_times_from_two_files_add_up(tmp_path, write):
    import_plays(tmp_path / "plays", write("u,t,1\n", "a.csv"))
    import_plays(tmp_path / "plays", write("u,t,1\nu,s,1\n", "b.csv"))
    matrix = to_interactions(load_plays(tmp_path / "plays"))
    assert matrix.tracks.ids == ("s", "t")
    assert matrix.user_items.toarray().tolist() == [[1.0, 2.0]]


def test_nothing_is_left_beside_the_parts(tmp_path, write):
    import_plays(tmp_path / "plays", write("u,t,1\n"))
    names = sorted(path.name for path in (tmp_path / "plays").iterdir())
    assert len(names) == 2 and names[0] == "manifest.json"


def test_parts_with_and_without_skips_and_ratings_lie_side_by_side(tmp_path, write):
    """The first part is as it was stored before there were such columns."""
    store = tmp_path / "plays"
    import_plays(store, write("u,t,3\n", "old.csv"))
    assert load_plays(store).columns == ["user_id", "track_id", "plays", "timestamp"]
    rated = write("u,s,0,-1\nv,t,1,0.5\n", "new.csv", header="user_id,track_id,plays,rating")
    report = import_plays(store, rated)
    assert (report.rows, report.ratings, report.skips) == (2, 2, 0)
    skips = write("v,s,4,1\n", "skips.csv", header="user_id,track_id,plays,skipped")
    assert import_plays(store, skips).skips == 1
    plays = load_plays(store).select("user_id", "track_id", "plays", "skipped", "rating")
    assert sorted(plays.rows()) == [
        ("u", "s", 0, None, -1), ("u", "t", 3, None, None), ("v", "s", 4, 1, None),
        ("v", "t", 1, None, 0.5),
    ]  # fmt: skip
    matrix = to_interactions(load_plays(store), rating_plays=10)
    assert matrix.user_items.toarray().tolist() == [[-10, 3], [2, 6]]


def test_evidence_against_is_no_listening(tmp_path):
    plays = frame(("u", "a", 5), ("u", "b", 1), ("v", "a", 2), ("v", "b", 3), ("w", "a", 1))
    told = plays.with_columns(skipped=pl.Series([0.0, 2.0, None, 0.0, 4.0]))
    some = to_interactions(told)
    assert (some.users.ids, some.user_items.toarray().tolist()) == (("u", "v"), [[5, -2], [2, 3]])
    assert some.users_left_out == 1
    assert some.n_plays == 10
    assert some.track_listeners().tolist() == [2, 1]
    assert some.tracks_of("u") == ("a", "b")
    with pytest.raises(DataError, match="no listener has min_tracks_per_user=1"):
        to_interactions(plays.with_columns(rating=pl.lit(-1.0)))


def test_no_plays_and_damaged_plays_say_what_to_run(tmp_path, write):
    with pytest.raises(ArtifactError, match="no plays in .*run 'audiorec plays'"):
        load_plays(tmp_path / "plays")
    import_plays(tmp_path / "plays", write("u,t,1\n"))
    part = next((tmp_path / "plays").glob("part-*"))
    part.write_bytes(b"x" * part.stat().st_size)
    for read in (load_plays, all_played_tracks):
        with pytest.raises(ArtifactError, match="cannot be read .*run 'audiorec plays FILE' again"):
            read(tmp_path / "plays")


def test_played_tracks_come_from_their_column_alone(tmp_path, write, monkeypatch):
    store = tmp_path / "plays"
    import_plays(store, write("u,t2,1\nv,t2,1\n", "one.csv"))
    import_plays(store, write("u,t1,1\nu,t10,1\n", "two.csv"))
    scanned = []
    scan = pl.LazyFrame.collect
    monkeypatch.setattr(
        pl.LazyFrame, "collect", lambda frame: scanned.append(frame.explain()) or scan(frame)
    )
    assert all_played_tracks(store) == ["t1", "t10", "t2"]
    assert len(scanned) == 1 and "PROJECT 1/4 COLUMNS" in scanned[0]


rows = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("vwxyz"), st.integers(1, 1000)),
    min_size=1, max_size=60,
)  # fmt: skip


@given(rows, st.randoms(use_true_random=False))
def test_matrix_sums_and_does_not_depend_on_the_order_of_rows(plays, random):
    matrix = to_interactions(frame(*plays))
    shuffled = list(plays)
    random.shuffle(shuffled)
    other = to_interactions(frame(*shuffled))
    total: Counter = Counter()
    for user, track, count in plays:
        total[user, track] += count
    assert matrix.users.ids == tuple(sorted({user for user, _ in total}))
    assert matrix.tracks.ids == tuple(sorted({track for _, track in total}))
    dense = matrix.user_items.toarray()
    for (user, track), count in total.items():
        assert dense[matrix.users.row(user), matrix.tracks.row(track)] == count
    assert dense.sum() == sum(total.values())
    assert (matrix.users, matrix.tracks) == (other.users, other.tracks)
    for name in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(matrix.user_items, name), getattr(other.user_items, name))
    assert matrix.user_items.dtype == np.float32


def slow_core(plays, min_tracks, min_users):
    """Take away one listener or track too few at a time, until none is."""
    pairs = {(user, track) for user, track, _ in plays}
    while True:
        tracks, users = defaultdict(set), defaultdict(set)
        for user, track in pairs:
            tracks[user].add(track)
            users[track].add(user)
        bad = {u for u in tracks if len(tracks[u]) < min_tracks}
        worse = {t for t in users if len(users[t]) < min_users}
        if not bad and not worse:
            return sorted(tracks), sorted(users)
        pairs = {(u, t) for u, t in pairs if u not in bad and t not in worse}


@settings(max_examples=200)
@given(rows, st.integers(1, 3), st.integers(1, 3))
def test_pruning_ends_where_one_at_a_time_does(plays, min_tracks, min_users):
    users, tracks = slow_core(plays, min_tracks, min_users)
    if not users:
        with pytest.raises(DataError, match=f"min_tracks_per_user={min_tracks} tracks"):
            to_interactions(
                frame(*plays), min_tracks_per_user=min_tracks, min_users_per_track=min_users
            )
        return
    core = to_interactions(
        frame(*plays), min_tracks_per_user=min_tracks, min_users_per_track=min_users
    )
    assert (list(core.users), list(core.tracks)) == (users, tracks)
    everything = to_interactions(frame(*plays))
    assert core.users_left_out == len(everything.users) - len(users)
    assert core.tracks_left_out == len(everything.tracks) - len(tracks)


@pytest.fixture
def small() -> Interactions:
    return to_interactions(frame(("u", "a", 1), ("u", "b", 2), ("v", "b", 3), ("w", "c", 4)))


def test_parts_of_a_matrix_keep_all_on_the_other_side(small):
    some = small.only_tracks(["c", "a", "unheard"])
    assert (some.users.ids, some.tracks.ids) == (("u", "v", "w"), ("a", "c"))
    assert some.user_items.toarray().tolist() == [[1, 0], [0, 0], [0, 4]]
    one = small.only_users(["v", "stranger"])
    assert (one.users.ids, one.tracks.ids) == (("v",), ("a", "b", "c"))
    assert one.user_items.toarray().tolist() == [[0, 3, 0]]
    assert small.only_tracks([]).user_items.shape == (3, 0)
    assert small.user_items.shape == (3, 3)


def test_counts_and_what_was_heard(small):
    assert small.n_plays == 10
    assert small.track_listeners().tolist() == [1, 2, 1]
    assert small.tracks_of("u") == ("a", "b")
    with pytest.raises(NotFoundError, match="unknown listener 'x'"):
        small.tracks_of("x")


def test_a_matrix_must_have_the_shape_of_its_ids(small):
    with pytest.raises(ParameterError, match=r"must have that of the ids, \(3, 2\)"):
        Interactions(small.user_items, small.users, small.only_tracks("ab").tracks)


def test_largest_counts_stay_finite():
    matrix = to_interactions(frame(("u", "a", 1e9), ("u", "a", 1e9)))
    assert matrix.user_items.toarray().tolist() == [[2e9]]


def test_damaged_plays_are_imported_again(tmp_path, write):
    store = tmp_path / "plays"
    one = write("u,t,1\nu,s,2\n", "one.csv")
    two = write("v,t,3\nv,s,4\n", "two.csv")
    import_plays(store, one)
    import_plays(store, two)
    whole = {path.name: path.read_bytes() for path in store.iterdir()}
    first, second = sorted(store.glob("part-*.parquet"))
    for victim in (first, second):
        victim.write_bytes(victim.read_bytes()[:-9])
    for file in (one, two):
        with pytest.raises(ArtifactError, match=r"run 'audiorec plays .*csv'"):
            load_plays(store)
        import_plays(store, file)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == whole
    flipped = bytearray(whole["manifest.json"])
    flipped[40] ^= 4
    (store / "manifest.json").write_bytes(flipped)
    with pytest.raises(ArtifactError, match=r"manifest.json is damaged.*audiorec plays FILE"):
        load_plays(store)
    import_plays(store, two)  # what else was imported stays
    assert len(load_plays(store)) == 4
    import_plays(store, one)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == whole


def test_a_full_disk_is_no_fault_of_the_file(tmp_path, write, monkeypatch):
    def full(*_args, **_how):
        raise pl.exceptions.ComputeError("parquet: No space left on device (os error 28)")

    file = write("u,t,1\n")
    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)
    with pytest.raises(ArtifactError, match=r"cannot be written \(.*os error 28\)\); make room"):
        import_plays(tmp_path / "plays", file)
    assert not any((tmp_path / "plays").iterdir())


@pytest.mark.parametrize("column", ["user_id", "track_id"])
def test_ids_are_bounded(tmp_path, column):
    file = tmp_path / "plays.csv"
    row = {"user_id": "u", "track_id": "t", column: "a" * 100_000}
    file.write_text(f"user_id,track_id,plays\n{row['user_id']},{row['track_id']},1\n")
    with pytest.raises(DataError, match=f"{column}.* has 100,000 characters; .*at most 512"):
        import_plays(tmp_path / "plays", file)
    assert not (tmp_path / "plays" / "manifest.json").exists()
