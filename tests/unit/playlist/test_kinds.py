"""Every kind of playlist keeps its promises."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audiorec.data import import_plays
from audiorec.data.catalog import Catalog, save_descriptors
from audiorec.embeddings import unit_norm
from audiorec.exceptions import DataError, NotFoundError, ParameterError
from audiorec.playlist import (
    FORMATS,
    KINDS,
    WRITERS,
    PlaylistRequest,
    build_playlist,
    find_replacement,
    save_playlist,
    saved_playlists,
)
from audiorec.playlist.kinds.path import PathSegment
from audiorec.playlist.kinds.registry import chooser
from audiorec.playlist.order import first_clash
from audiorec.playlist.saved import PREFIX
from audiorec.playlist.seeds import central_track
from audiorec.playlist.source import TrackSource
from audiorec.recommend import Library, TrackFilter

from .conftest import DIM, SEEDS, N, make_workspace


@pytest.fixture(scope="module", autouse=True)
def listening(workspace, tmp_path_factory):
    """Two listeners, and a tempo and an energy for every track."""
    rows = [("me", f"t{n:03d}", 1.0 + n % 5, 1_600_000_000 + 1000 * n) for n in range(0, 90, 3)]
    rows += [("you", f"t{n:03d}", 2.0, 1_600_000_000 + n) for n in range(1, 90, 3)]
    file = tmp_path_factory.mktemp("plays") / "plays.csv"
    pl.DataFrame(
        rows, schema=["user_id", "track_id", "plays", "timestamp"], orient="row"
    ).write_csv(file)
    import_plays(workspace.plays, file)
    rng = np.random.default_rng(1)
    save_descriptors(
        workspace.descriptors,
        {
            f"t{n:03d}": (str(n), np.array([rng.uniform(60, 180), n % 24, -14, 2000, rng.normal()]))
            for n in range(N)
        },
    )


def make(library, **wishes):
    return build_playlist(library, PlaylistRequest(**wishes))


def ids(playlist):
    return [hit.track_id for hit in playlist.hits]


def clashes(library, playlist, window):
    artists = [hit.artist for hit in playlist.hits]
    return [
        (a, b) for a, b in itertools.combinations(range(len(artists)), 2)
        if b - a < window and artists[a] == artists[b]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "length"),
    [(kind, n) for n in (1, 2, 12, 50) for kind in SEEDS if (kind, n) != ("path", 1)],  # two ends
)
def test_every_kind_has_the_exact_length_and_a_reason_for_each_track(library, kind, length):
    playlist = make(library, kind=kind, length=length, **SEEDS[kind])
    assert len(playlist.entries) == length == len(set(ids(playlist)))
    assert [hit.rank for hit in playlist.hits] == list(range(1, length + 1))
    assert all(entry.reason for entry in playlist.entries)
    assert playlist.entries[0].distance is None
    units = unit_norm(np.stack([library.index.vector(id_) for id_ in ids(playlist)]))
    for row in range(1, length):
        distance = playlist.entries[row].distance
        assert distance == pytest.approx(1 - units[row] @ units[row - 1], abs=1e-3)
    again = make(library, kind=kind, length=length, **SEEDS[kind])
    assert again == playlist
    assert not clashes(library, playlist, 5)


@pytest.mark.parametrize("kind", SEEDS)
def test_shuffle_gives_another_and_the_same_again(library, kind):
    wishes = {"kind": kind, "length": 12, **SEEDS[kind]}
    first, second = (make(library, shuffle=seed, **wishes) for seed in (1, 2))
    assert ids(first) == ids(make(library, shuffle=1, **wishes))
    assert set(ids(first)) != set(ids(second)) and len(ids(first)) == 12


@pytest.mark.parametrize("kind", SEEDS)
def test_minutes_are_met_within_half_the_median_track(library, kind):
    for minutes in (31, 64.5):
        playlist = make(library, kind=kind, minutes=minutes, **SEEDS[kind])
        lengths = [library.track(id_).duration for id_ in ids(playlist)]
        assert abs(sum(lengths) - 60 * minutes) <= np.median(lengths) / 2 or playlist.notes
        if kind not in ("path", "arc"):
            assert abs(sum(lengths) - 60 * minutes) <= np.median(lengths) / 2


def test_a_path_of_few_minutes_is_its_ends_and_says_so(library):
    playlist = make(library, kind="path", minutes=3, seeds=("t000", "t100", "t200"))
    assert ids(playlist) == ["t000", "t100", "t200"]
    assert any("of 3 minutes" in note for note in playlist.notes)


@pytest.mark.parametrize("kind", SEEDS)
def test_limits_hold(library, kind):
    playlist = make(library, kind=kind, length=20, per_artist=1, per_album=1, **SEEDS[kind])
    artists = [hit.artist for hit in playlist.hits]
    assert len(set(artists)) == len(artists) == 20


@pytest.mark.parametrize("kind", ["near", "radio", "path", "continue"])
def test_of_versions_one_comes_and_a_song_by_others_is_told_as_such(tmp_path, kind):
    vectors = np.random.default_rng(0).standard_normal((60, DIM)).astype(np.float32)
    workspace = make_workspace(tmp_path / "ws", vectors, n_artists=60)
    with Catalog(workspace.catalog) as catalog:
        tracks = catalog.tracks()
        own = [dataclasses.replace(t, artist="One", title="Song (Live)") for t in tracks[2:20]]
        other = [dataclasses.replace(t, title="Title 000") for t in tracks[20:24]]
        catalog.upsert([*own, *other])
    seeds = ("t000", "t001") if kind != "near" else ("t000",)
    playlist = make(Library(workspace), kind=kind, seeds=seeds, length=40, artist_window=0)
    assert len({id_ for id_ in ids(playlist) if "t002" <= id_ < "t020"}) == 1
    covers = {
        e.hit.track_id: e.reason for e in playlist.entries if "t020" <= e.hit.track_id < "t024"
    }
    assert covers and all("likely a version of the song of Artist 0" in r for r in covers.values())
    assert sum("likely a version" in entry.reason for entry in playlist.entries) == len(covers)


@pytest.mark.parametrize("kind", ["near", "radio", "listener", "mix", "continue"])
def test_albums_are_kept_apart_even_where_artists_need_not_be(library, kind):
    playlist = make(library, kind=kind, length=40, artist_window=0, album_window=12, **SEEDS[kind])
    albums = [library.track(id_).album for id_ in ids(playlist)]
    assert first_clash(albums, 12) is None and not playlist.notes
    assert first_clash([hit.artist for hit in playlist.hits], 12) is not None


@pytest.fixture(scope="module")
def by_artist(tmp_path_factory):
    """A library in which the tracks of an artist lie beside each other."""
    rng = np.random.default_rng(1)
    own = rng.standard_normal((N, DIM))
    vectors = rng.standard_normal((40, DIM))[np.arange(N) % 40] + 0.5 * own
    path = tmp_path_factory.mktemp("by_artist")
    workspace = make_workspace(path / "ws", vectors.astype(np.float32))
    values = {f"t{n:03d}": (str(n), rng.uniform(60, 90, 5).astype(np.float32)) for n in range(N)}
    save_descriptors(workspace.descriptors, values)
    return Library(workspace)


@example(kind="arc", shape="fall", seeds=[0, 1, 2], shuffle=None, album_window=0)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(["near", "continue", "path", "arc", "radio"]),
    shape=st.sampled_from(["rise", "fall", "arch"]),
    seeds=st.lists(st.integers(0, 39), min_size=2, max_size=3, unique=True),
    shuffle=st.sampled_from([None, 1]),
    album_window=st.sampled_from([0, 8]),
)
def test_no_artist_comes_twice_where_there_are_others(
    by_artist, kind, shape, seeds, shuffle, album_window
):
    playlist = make(
        by_artist, kind=kind, shape=shape, seeds=tuple(f"t{n:03d}" for n in seeds), shuffle=shuffle,
        length=20, artist_window=6, album_window=album_window,
    )  # fmt: skip
    placed = {f"t{n:03d}" for n in seeds}
    forced = [ids(playlist)[b] for pair in clashes(by_artist, playlist, 6) for b in pair]
    assert len(playlist.entries) == 20 and not set(forced) - placed
    assert not forced or any("comes twice within 6 tracks" in line for line in playlist.notes)
    if kind == "arc":
        tempo = by_artist.descriptors().values("tempo")
        values = np.array([tempo[id_] for id_ in ids(playlist)])
        peak = {"rise": 19, "fall": 0, "arch": 10}[shape]
        steps = np.concatenate([np.diff(values[: peak + 1]), -np.diff(values[peak:])])
        assert (steps >= -0.045 * values.max()).all()  # level tracks may change places


def test_a_listener_of_one_artist_hears_others_too_or_is_told(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((60, DIM)).astype(np.float32)
    workspace = make_workspace(tmp_path / "ws", vectors, n_artists=60)
    with Catalog(workspace.catalog) as catalog:
        tracks = catalog.tracks()
        catalog.upsert(dataclasses.replace(track, artist="One") for track in tracks[:40])
    rows = [("me", f"t{n:03d}", 9.0 if n < 40 else 1.0, 1_600_000_000) for n in range(50)]
    schema = ["user_id", "track_id", "plays", "timestamp"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(tmp_path / "plays.csv")
    import_plays(workspace.plays, tmp_path / "plays.csv")
    library = Library(workspace)
    for kind, users in (("listener", ("me",)), ("mix", ("me", "you"))):
        if kind == "mix":
            pl.DataFrame(
                [("you", *row[1:]) for row in rows], schema=schema, orient="row"
            ).write_csv(tmp_path / "more.csv")
            import_plays(workspace.plays, tmp_path / "more.csv")
        wishes = {"kind": kind, "users": users, "new_share": 0.0, "length": 12}
        playlist = make(library, **wishes)
        assert not clashes(library, playlist, 5) and not playlist.notes
        alone = make(library, filters=TrackFilter(path=("/m/t00*",)), **{**wishes, "length": 6})
        assert len(alone.entries) == 6 and clashes(library, alone, 5)
        assert any("artist 'One' comes twice within 5 tracks" in line for line in alone.notes)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(a=st.integers(0, N - 1), b=st.integers(0, N - 1), length=st.integers(2, 30))
def test_a_path_moves_on_from_a_to_b(library, a, b, length):
    if a == b:
        return
    playlist = make(
        library, kind="path", seeds=(f"t{a:03d}", f"t{b:03d}"), length=length, artist_window=0
    )
    order = ids(playlist)
    assert (order[0], order[-1], len(order)) == (f"t{a:03d}", f"t{b:03d}", length)
    source = TrackSource(library, PlaylistRequest(seeds=(order[0], order[-1]), kind="path"))
    segment = PathSegment(source, *source.units([order[0], order[-1]]))
    along = segment.along(source.units(order[:-1]))
    assert (np.diff(along) > 0).all() or any("beside the path" in line for line in playlist.notes)


def test_a_path_goes_by_its_waypoints_in_even_steps(tmp_path):
    angles = np.linspace(0, np.pi / 2, 101)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    library = Library(make_workspace(tmp_path / "ws", vectors, n_artists=101))
    playlist = make(library, kind="path", seeds=("t000", "t100"), length=11)
    assert ids(playlist) == [f"t{row:03d}" for row in range(0, 101, 10)]
    by = make(library, kind="path", seeds=("t000", "t060", "t100"), length=11)
    assert "t060" in ids(by) and ids(by) == sorted(ids(by)) and len(ids(by)) == 11
    assert "50 % of the way" in playlist.entries[5].reason
    with pytest.raises(ParameterError, match="length=2 has no room for the 3"):
        make(library, kind="path", seeds=("t000", "t060", "t100"), length=2)


def test_starved_steps_are_merged_and_said(tmp_path):
    angles = np.concatenate([np.linspace(0, 0.2, 20), np.linspace(1.3, 1.5, 20)])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    library = Library(make_workspace(tmp_path / "ws", vectors, n_artists=40))
    playlist = make(library, kind="path", seeds=("t000", "t039"), length=12)
    assert len(playlist.entries) == 12 and ids(playlist) == sorted(ids(playlist))
    assert any("were merged" in line for line in playlist.notes)


def test_paths_that_lead_nowhere(library, tmp_path):
    for seeds in (("t000",), ("t000", "t000")):
        with pytest.raises(ParameterError, match="needs two different tracks"):
            make(library, kind="path", seeds=seeds)
    same = np.ones((3, 4))
    twins = Library(make_workspace(tmp_path / "ws", same, n_artists=3))
    with pytest.raises(ParameterError, match="have the same position"):
        make(twins, kind="path", seeds=("t000", "t001"))


@pytest.mark.parametrize("by", ["tempo", "energy"])
@pytest.mark.parametrize("shape", ["rise", "fall", "arch"])
def test_an_arc_is_an_arc(library, by, shape):
    playlist = make(library, kind="arc", seeds=("t005",), by=by, shape=shape, length=21)
    values = library.descriptors().values(by)
    steps = np.diff([values[id_] for id_ in ids(playlist)])
    expected = {"rise": [1] * 20, "fall": [-1] * 20, "arch": [1] * 10 + [-1] * 10}[shape]
    assert (steps * expected > 0).mean() >= 0.9
    assert "t005" in ids(playlist)
    near = (
        unit_norm(library.index.embeddings().vectors)
        @ unit_norm(library.index.vector("t005")[None])[0]
    )
    mean = np.mean([near[int(id_[1:])] for id_ in ids(playlist)])
    assert mean > near.mean() + near.std() / 2


def test_a_radio_goes_on_after_what_was_played(library):
    first = make(library, kind="radio", seeds=("t007",), length=10)
    second = make(library, kind="radio", seeds=("t007",), after=tuple(ids(first)), length=10)
    third = make(library, kind="radio", after=(*ids(first), *ids(second)), length=10)
    parts = [set(ids(part)) for part in (first, second, third)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 30
    units = unit_norm(library.index.embeddings().vectors)
    away = [np.mean([units[7] @ units[int(i[1:])] for i in part]) for part in parts]
    assert away[0] > away[2]  # it drifts


def test_familiar_and_new_come_in_the_ratio_that_was_asked_for(library):
    played = {f"t{n:03d}" for n in range(0, 90, 3)}
    anyone = {f"t{n:03d}" for n in range(90) if n % 3 < 2}
    for share in (0.0, 0.25, 1.0):
        playlist = make(library, kind="listener", users=("me",), new_share=share, length=20)
        new = [id_ for id_ in ids(playlist) if id_ not in played]
        assert len(new) == round(20 * share)
        if new:
            assert len([id_ for id_ in new if id_ not in anyone]) >= len(new) // 4
    like = make(library, kind="listener", users=("me",), like_last=3, length=9)
    assert played.isdisjoint(ids(like))
    reasons = [entry.reason for entry in like.entries]
    assert all(sum(name in reason for reason in reasons) == 3 for name in ("087", "084", "081"))
    with pytest.raises(NotFoundError, match="unknown listener 'nobody'"):
        make(library, kind="listener", users=("nobody",))


def test_a_listener_is_told_where_new_or_familiar_tracks_run_out(library):
    few = TrackFilter(path=tuple(f"/m/t{n:03d}*" for n in (0, 3, 6, 9, 12, 100, 101, 102)))
    wishes = {"kind": "listener", "users": ("me",), "length": 8, "filters": few}
    for share, line in ((0.0, "only 5 familiar tracks fit"), (1.0, "only 3 new tracks fit")):
        playlist = make(library, new_share=share, **wishes)
        assert len(playlist.entries) == 8 and any(line in note for note in playlist.notes)
    familiar = {e.hit.track_id: e.reason for e in playlist.entries if "familiar" in e.reason}
    assert familiar["t000"] == "familiar, played once"
    assert familiar["t003"] == "familiar, played 4 times"
    alone = make(library, **{**wishes, "length": 12, "new_share": 1.0})
    assert len(alone.entries) == 8 and any("only 8 of 12" in note for note in alone.notes)


def test_three_like_each_of_the_last_plays_unless_a_length_is_given(library):
    wishes = {"kind": "listener", "users": ("me",), "like_last": 4}
    assert len(make(library, **wishes).entries) == 12
    longer = make(library, length=20, **wishes)
    assert len(longer.entries) == 12
    assert longer.notes == ("3 like each of the last 4 plays are 12 tracks",)


def test_reorder_leaves_out_what_does_not_fit_the_filters(library):
    seeds = tuple(f"t{n:03d}" for n in range(9))
    playlist = make(library, kind="reorder", seeds=seeds, filters=TrackFilter(genre="jazz"))
    assert sorted(ids(playlist)) == ["t000", "t003", "t006"]
    assert any("6 tracks are left out" in note for note in playlist.notes)


def test_a_mix_serves_each(library):
    playlist = make(library, kind="mix", users=("me", "you"), length=20)
    for user in ("me", "you"):
        vector = library.listener_vector(user)
        scores = library.index.embeddings().vectors @ vector
        above = [(scores < scores[int(id_[1:])]).mean() for id_ in ids(playlist)]
        assert np.mean(above) > 0.6


def test_reorder_keeps_the_tracks_and_shortens_the_steps(library):
    seeds = tuple(f"t{row:03d}" for row in range(0, 60, 3))
    playlist = make(library, kind="reorder", seeds=seeds)
    assert sorted(ids(playlist)) == sorted(seeds) and ids(playlist)[0] == "t000"
    units = unit_norm(np.stack([library.index.vector(id_) for id_ in seeds]))
    before = 1 - (units[1:] * units[:-1]).sum(axis=1)
    after = [entry.distance for entry in playlist.entries[1:]]
    assert np.mean(after) < before.mean()
    with pytest.raises(ParameterError, match="keeps every track"):
        PlaylistRequest(seeds=seeds, kind="reorder", length=5)


def test_continue_holds_none_of_the_list(library):
    seeds = tuple(f"t{row:03d}" for row in range(5))
    playlist = make(library, kind="continue", seeds=seeds, length=10)
    assert set(seeds).isdisjoint(ids(playlist))


def test_a_playlist_without_a_name_is_called_after_its_first_track_and_kind(library):
    hits = make(library, seeds=("t000",), length=3).hits
    near = save_playlist(library, hits).file
    radio = save_playlist(library, hits, kind="radio").file
    assert (near.name, radio.name) == ("t000.m3u8", "t000-radio.m3u8") and near.exists()


def test_recent_playlists_are_avoided(library, tmp_path):
    wishes = {"seeds": ("t000",), "length": 10}
    first = make(library, **wishes)
    save_playlist(library, first.hits, tmp_path / "a.m3u8")
    second = make(library, avoid_recent=1, **wishes)
    assert set(ids(first)) & set(ids(second)) == {"t000"}  # the seed that was named


def test_whole_artists_and_what_is_not_wanted_steer(library):
    playlist = make(library, artists=("artist 3",), length=10, against=("t000",))
    assert len(playlist.entries) == 10 and "t000" not in ids(playlist)
    with pytest.raises(NotFoundError, match="no track is by artist 'Artits 3'; did you mean"):
        make(library, artists=("Artits 3",))


def test_filters_hold_in_every_kind(library):
    wanted = TrackFilter(genre=("jazz",), year="1970-", not_artist=("Artist 1",))
    for kind, seeds in SEEDS.items():
        playlist = make(library, kind=kind, length=8, filters=wanted, **seeds)
        for id_ in set(ids(playlist)) - set(seeds.get("seeds", ())):
            track = library.track(id_)
            assert (track.genre, track.artist != "Artist 1") == ("jazz", True)
            assert track.year >= 1970
    with pytest.raises(NotFoundError, match="no track fits the filters"):
        make(library, seeds=("t000",), filters=TrackFilter(genre=("polka",)))
    with pytest.raises(NotFoundError, match="no track fits"):
        central_track(library, TrackFilter(genre=("polka",)))
    assert library.track(central_track(library, TrackFilter(genre=("jazz",)))).genre == "jazz"


def test_too_few_are_said(library):
    playlist = make(library, seeds=("t000",), length=1000)
    assert 0 < len(playlist.entries) <= N
    assert any(line.startswith(f"only {len(playlist.entries)} of 1000") for line in playlist.notes)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"kind": "near"}, "starts from tracks"),
        ({"seeds": ("a",), "length": 3, "minutes": 4}, "exclude each other"),
        ({"seeds": ("a",), "length": 0}, "length=0 must be at least 1"),
        ({"seeds": ("a",), "minutes": float("nan")}, "minutes=nan"),
        ({"seeds": ("a",), "diversity": 2}, "diversity=2"),
        ({"kind": "mix", "users": ("a", "a")}, "several listeners"),
        ({"kind": "listener", "users": ("a", "b")}, "one of them"),
        ({"seeds": ("a",), "after": ("b",)}, "'radio' alone"),
        ({"seeds": ("a",), "like_last": 3}, "like-last goes with kind 'listener' alone"),
        ({"seeds": ("a",), "kind": "polka"}, "kind='polka' must be one of"),
    ],
)
def test_wishes_that_contradict_each_other(wishes, message):
    with pytest.raises(ParameterError, match=message):
        PlaylistRequest(**wishes)


@pytest.mark.parametrize("format_", ["m3u8", "xspf", "jspf", "csv", "json"])
def test_what_is_written_is_read_back_as_seeds(library, tmp_path, format_):
    playlist = make(library, seeds=("t000",), length=8)
    file = tmp_path / f"list.{format_}"
    save_playlist(library, playlist.hits, file, format_=format_, relative=False)
    again = make(library, kind="reorder", seeds=(str(file),))
    assert sorted(ids(again)) == sorted(ids(playlist))


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_tables_from_elsewhere_are_found_by_their_paths(library, tmp_path, format_):
    relative = os.path.relpath("/m", tmp_path)
    paths = ["/m/t001.mp3", f"{relative}/t002.mp3", "/mnt/nas/t003.mp3", "/m/t004.mp3"]
    rows = [{"track_id": "", "path": path} for path in paths]
    rows[3]["track_id"] = "of another library"
    file = tmp_path / f"list.{format_}"
    if format_ == "csv":
        pl.DataFrame(rows).write_csv(file)
    else:
        file.write_text(json.dumps({"tracks": rows}))
    playlist = make(library, kind="reorder", seeds=(str(file),), path_map_in=("/mnt/nas=/m",))
    assert sorted(ids(playlist)) == ["t001", "t002", "t003", "t004"]


def test_broken_lists_are_one_line(library, tmp_path):
    for name, content, error in (
        ("a.json", "{", DataError), ("a.csv", "x\n1\n", DataError), ("a.xspf", "<", NotFoundError),
        ("b.m3u8", "/nowhere.mp3\n", NotFoundError),
    ):  # fmt: skip
        file = tmp_path / name
        file.write_text(content)
        with pytest.raises(error) as caught:
            make(library, kind="continue", seeds=(str(file),))
        assert "\n" not in str(caught.value)


def test_requests_are_values():
    request = PlaylistRequest(seeds=("a",))
    assert dataclasses.replace(request, kind="radio").kind == "radio"
    assert set(KINDS) == {*SEEDS, "reorder"}


def test_every_kind_and_format_that_can_be_asked_for_is_made_and_offered():
    assert all(callable(chooser(kind).choose) for kind in KINDS)
    assert set(WRITERS) == set(FORMATS)


def test_tables_with_tracks_that_are_gone_say_so(library, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("track_id,path\nt001,\ngone,/nowhere.mp3\n")
    playlist = make(library, seeds=(str(file),), length=3)
    note = f"1 track of {file} not in the index and passed over: /nowhere.mp3"
    assert ids(playlist)[0] == "t001" and note in playlist.notes
    file.write_text("track_id,path\ngone,/nowhere.mp3\n")
    with pytest.raises(NotFoundError, match=r"no track that .* names .*, '/nowhere.mp3' not"):
        make(library, seeds=(str(file),), length=3)


def test_a_saved_playlist_is_a_seed_as_far_as_it_is_there(library):
    saved = saved_playlists(library.workspace)
    saved.create("me", "evening", ["t001", "gone", "t002"])
    saved.create("me", "lost", ["gone"])
    playlist = make(library, kind="reorder", seeds=(f"{PREFIX}evening",))
    assert sorted(ids(playlist)) == ["t001", "t002"]
    assert any("1 tracks of 'evening' not in the index" in note for note in playlist.notes)
    with pytest.raises(NotFoundError, match="no track of the saved playlist 'lost' is in the"):
        make(library, kind="reorder", seeds=(f"{PREFIX}lost",))


def test_minutes_need_lengths(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((20, DIM)).astype(np.float32)
    bare = Library(make_workspace(tmp_path / "ws", vectors, durations=[0.0] * 20))
    with pytest.raises(ParameterError, match="no track's length is known, .*; give length"):
        make(bare, seeds=("t000",), minutes=10)


def test_a_seed_without_a_direction(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((20, DIM)).astype(np.float32)
    vectors[3] = 0
    zero = Library(make_workspace(tmp_path / "ws", vectors))
    for kind in ("near", "radio", "continue"):
        with pytest.raises(ParameterError, match="the vector of seed 't003' is zero; start from"):
            make(zero, kind=kind, seeds=("t003",), length=5)


@pytest.mark.parametrize("kind", ["radio", "continue", "near", "arc"])
def test_a_small_library_is_played_to_its_end(tmp_path, kind):
    """Every track comes once, and that it is short is said."""
    vectors = np.random.default_rng(0).standard_normal((12, DIM)).astype(np.float32)
    workspace = make_workspace(tmp_path / "ws", vectors)
    save_descriptors(
        workspace.descriptors,
        {f"t{n:03d}": (str(n), np.array([90.0 + n, 1, -14, 2000, n, 1.0])) for n in range(12)},
    )
    playlist = make(Library(workspace), kind=kind, seeds=("t000",), length=40)
    assert len(ids(playlist)) == len(set(ids(playlist))) == (11 if kind == "continue" else 12)
    assert any(line.startswith(f"only {len(ids(playlist))} of 40") for line in playlist.notes)


def test_an_arc_needs_what_is_measured(library, tmp_path):
    vectors = np.random.default_rng(0).standard_normal((12, DIM)).astype(np.float32)
    workspace = make_workspace(tmp_path / "ws", vectors)
    with pytest.raises(NotFoundError, match="no track's tempo is known; run 'audiorec descriptors"):
        make(Library(workspace), kind="arc", seeds=("t000",), length=4)
    measured = {f"t{n:03d}": (str(n), np.array([90.0 + n, 1, -14, 2000, n, 1.0])) for n in range(5)}
    save_descriptors(workspace.descriptors, measured)
    playlist = make(Library(workspace), kind="arc", seeds=("t009",), length=4)
    assert "t009" not in ids(playlist) and set(ids(playlist)) <= set(measured)
    assert any("steer the playlist, and are not in it" in note for note in playlist.notes)


def test_what_replaces_a_track_is_missing_where_nothing_else_is(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((3, DIM)).astype(np.float32)
    small = Library(make_workspace(tmp_path / "ws", vectors))
    with pytest.raises(NotFoundError, match="no other track fits here; widen the filters, or add"):
        find_replacement(small, ["t000", "t001", "t002"], position=1)
    assert find_replacement(small, ["t000", "t001"], position=1)[:2] == (2, "t002")
