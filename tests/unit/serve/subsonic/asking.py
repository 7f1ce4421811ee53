"""What the tests of methods share."""

from __future__ import annotations

from audiorec.data.plays import load_plays

from ....waiting import wait_until

N_ALL = 12 * 2 * 5 + 3 + 2 + 2 + 1


def ids(songs):
    return [each["id"] for each in songs]


def song_of(done, id_):
    return done("getSong", id=id_)["song"]


def listed(done, kind, **more):
    found = done("getAlbumList2", type=kind, size=500, **more)["albumList2"]["album"]
    folders = done("getAlbumList", type=kind, size=500, **more)["albumList"]["album"]
    if kind != "random":
        assert ids(found) == ids(folders) and all(each["isDir"] for each in folders)
    return found


def stored(served, user, track_id):
    """What stands under the plays of a workspace, once the server has put it there."""

    def rows():
        if not (served.workspace.plays / "manifest.json").exists():
            return []
        plays = load_plays(served.workspace.plays)
        of_track = plays.filter((plays["user_id"] == user) & (plays["track_id"] == track_id))
        return of_track.to_dict(as_series=False) if len(of_track) else []

    return wait_until(rows)
