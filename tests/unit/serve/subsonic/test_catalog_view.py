"""Artists, albums and folders of tracks: ids and orders that stay, odd collections."""

from __future__ import annotations

import random

from audiorec.data.catalog import Track
from audiorec.serve.subsonic.catalog_entities import UNKNOWN_ARTIST, VARIOUS
from audiorec.serve.subsonic.catalog_view import CatalogView


def view_of(*tracks, **more):
    return CatalogView(tracks, added={}, sizes={}, **more)


def track(path, artist="", album="", number=None, **more):
    return Track(path, path, artist=artist, title=path, album=album, number=number, **more)


def albums_of(view):
    return sorted((a.name, a.artist, sorted(a.track_ids)) for a in view.albums.values())


def test_one_artists_album_is_one_wherever_it_lies():
    view = view_of(
        track("/m/x/CD 1/1.mp3", "Ann", "Long", 1),
        track("/m/x/CD 2/1.mp3", "Ann", "Long", 1),
        track("/n/y/9.mp3", "Ann feat. Bob", "long", 9),
    )
    assert [(a.name, a.artist, len(a.track_ids)) for a in view.albums.values()] == [
        ("Long", "Ann", 3)
    ]
    assert [a.name for a in view.artists.values()] == ["Ann"]


def test_a_compilation_is_various_artists_and_each_finds_it():
    view = view_of(
        *(track(f"/m/best/{n}.mp3", f"Artist {n}", "Best", n) for n in (1, 2, 3)),
        track("/m/own/1.mp3", "Artist 1", "Own", 1),
    )
    best = next(a for a in view.albums.values() if a.name == "Best")
    assert best.artist == VARIOUS and best.compilation
    by_name = {artist.name: artist for artist in view.artists.values()}
    assert best.id in by_name["Artist 2"].album_ids and best.id in by_name[VARIOUS].album_ids
    assert len(by_name["Artist 1"].album_ids) == 2


def test_a_guest_track_leaves_the_album_its_artists():
    tracks = [track(f"/m/a/{n}.mp3", "Ann", "Songs", n) for n in (1, 2, 3)]
    view = view_of(*tracks, track("/m/a/4.mp3", "Bob", "Songs", 4))
    assert albums_of(view) == [("Songs", "Ann", [f"/m/a/{n}.mp3" for n in (1, 2, 3, 4)])]


def test_tags_say_whose_album_it_is_and_which_disc():
    view = view_of(
        track("/m/a/1.mp3", "Ann", "Duets", 1, album_artist="Bob", disc=2),
        track("/m/a/2.mp3", "Cy", "Duets", 1, album_artist="Bob", disc=1),
        track("/m/v/1.mp3", "Ann", "Hits", 1, album_artist="Various Artists"),
        track("/m/v/2.mp3", "Ann", "Hits", 2, album_artist="Various Artists"),
    )
    albums = {album.name: album for album in view.albums.values()}
    assert (albums["Duets"].artist, albums["Hits"].artist) == ("Bob", VARIOUS)
    assert albums["Duets"].track_ids == ["/m/a/2.mp3", "/m/a/1.mp3"]
    bob = next(artist for artist in view.artists.values() if artist.name == "Bob")
    assert bob.album_ids == [albums["Duets"].id] and not bob.track_ids


def test_two_hits_collections_in_one_folder_are_two():
    view = view_of(
        *(track(f"/m/q{n}.mp3", "Queens", "Greatest Hits", n) for n in (1, 2)),
        *(track(f"/m/k{n}.mp3", "Kings", "Greatest Hits", n) for n in (1, 2)),
    )
    assert [artist for _, artist, _ in albums_of(view)] == ["Kings", "Queens"]


def test_nobody_in_particular_is_one_artist():
    view = view_of(track("/m/1.mp3"), track("/m/2.mp3", "Unknown Artist"), track("/m/3.mp3", "VA"))
    assert [(a.name, len(a.track_ids)) for a in view.artists.values()] == [(UNKNOWN_ARTIST, 3)]
    assert len(view.albums) == 1


def test_ids_and_orders_stay():
    tracks = [
        track(f"/m/{a}/{b}/{n}.mp3", f"Ärtist {a}", f"Album {b}", n, year=2000 + b, genre="Rock")
        for a in range(5)
        for b in range(3)
        for n in (1, 2)
    ]
    before = view_of(*tracks)
    moved = [Track(**{**_fields(t), "path": f"/elsewhere{t.path}"}) for t in tracks]
    random.Random(0).shuffle(moved)
    after = view_of(*moved, track("/elsewhere/m/new.mp3", "New", "New", 1))
    assert before.albums.keys() <= after.albums.keys()
    assert before.artists.keys() <= after.artists.keys()
    assert [a for a in after.albums if a in before.albums] == list(before.albums)
    assert [a for a in after.artists if a in before.artists] == list(before.artists)
    for id_, album in before.albums.items():
        assert after.albums[id_].track_ids == album.track_ids


def _fields(found):
    return {name: getattr(found, name) for name in found.__slots__}


def test_folders_have_the_scanned_roots_at_their_top():
    tracks = [track("/music/a/x/1.mp3"), track("/music/b/2.mp3"), track("/other/c/3.mp3")]
    view = view_of(*tracks, roots=["/music", "/other/", "/empty"])
    assert [view.folders[id_].path for id_ in view.roots] == ["/music", "/other"]
    music = view.folders[view.roots[0]]
    assert [view.folders[id_].name for id_ in music.folder_ids] == ["a", "b"]
    assert view.places["/music/a/x/1.mp3"].path == "a/x/1.mp3"
    assert view.below(view.roots[1]) == {"/other/c/3.mp3"}
    # Whatever lies in none of them has what holds it for a root.
    view = view_of(*tracks, track("/third/d/e/4.mp3"), track("/third/d/f/5.mp3"), roots=["/music"])
    assert [view.folders[id_].path for id_ in view.roots] == ["/"]
    view = view_of(track("/third/d/e/4.mp3"), track("/third/d/f/5.mp3"), roots=["/music"])
    assert [view.folders[id_].path for id_ in view.roots] == ["/third/d"]


def test_tracks_without_a_file_are_left_out():
    view = view_of(Track("imported", "imported"), track("/m/1.mp3", "Ann"))
    assert list(view.songs) == ["/m/1.mp3"]
    assert not view_of().songs and not view_of().roots


def test_lists_under_initials():
    view = view_of(
        *(track(f"/m/{n}.mp3", name) for n, name in enumerate(["The Ants", "Émile", "4x4", "Été"]))
    )
    index = [(name, [a.name for a in found]) for name, found in view.indexed(view.artists.values())]
    assert index == [("A", ["The Ants"]), ("E", ["Émile", "Été"]), ("#", ["4x4"])]
    assert [a.name for a in view.search_artists("emi")] == ["Émile"]
    assert view.search_artists("!!") == []


def test_a_folder_whose_name_is_no_text():
    view = view_of(track("/m/\udcff/1.mp3", "Ann", "X"))
    for folder in view.folders.values():
        folder.name.encode()
    view.places["/m/\udcff/1.mp3"].path.encode()
