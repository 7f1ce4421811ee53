"""Playlists among the music."""

from __future__ import annotations

import os

import pytest

from audiorec.data import import_folder_playlists, import_plays, remove_folder_playlists
from audiorec.data.playlist_files import playlists_in
from audiorec.data.playlist_files.reading import OWN
from audiorec.data.plays import load_plays
from audiorec.data.plays.store import imported_from
from audiorec.exceptions import ArtifactError


@pytest.fixture
def music(tmp_path):
    """Three files in two folders, a playlist in each, and the ids of the files."""
    folder = tmp_path / "music"
    (folder / "rock").mkdir(parents=True)
    files = [folder / "a.mp3", folder / "b.mp3", folder / "rock" / "c.mp3"]
    for file in files:
        file.touch()
    (folder / "all.m3u8").write_text("a.mp3\nb.mp3\nrock/c.mp3\n")
    (folder / "rock" / "loud.m3u").write_text("c.mp3\n../a.mp3\n")
    return folder, {str(file): file.stem for file in files}


@pytest.fixture
def counted(music, tmp_path):
    """The folder, the ids of its files, and plays that know of its playlists."""
    folder, ids = music
    plays = tmp_path / "plays"
    import_folder_playlists(plays, [folder], paths=lambda: ids)
    return folder, ids, plays


def listeners(directory):
    return sorted(load_plays(directory)["user_id"].unique().to_list())


def test_each_counts_once_however_often_it_is_met(music, tmp_path):
    folder, ids = music
    plays = tmp_path / "plays"
    for folders in ([folder], [folder, folder / "rock"], [folder / "rock"], [folder]):
        (found,) = import_folder_playlists(plays, folders, paths=lambda: ids)
        assert (found.folder, found.reason, found.unread) == (folder.resolve(), "", ())
        assert (found.report.users, found.report.unknown) == (2, 0)
        assert listeners(plays) == ["all", "rock/loud"]
        assert len(load_plays(plays)) == 5


def test_a_folder_takes_the_place_of_one_within_it(music, tmp_path):
    folder, ids = music
    plays = tmp_path / "plays"
    import_folder_playlists(plays, [folder / "rock"], paths=lambda: ids)
    assert listeners(plays) == ["loud"]
    (found,) = import_folder_playlists(plays, [folder], paths=lambda: ids)
    assert found.report.replaced == 2
    assert listeners(plays) == ["all", "rock/loud"]


def test_a_playlist_that_is_gone_counts_no_more(counted):
    folder, ids, plays = counted
    (folder / "all.m3u8").unlink()
    import_folder_playlists(plays, [folder], paths=lambda: ids)
    assert listeners(plays) == ["rock/loud"]


def test_other_listening_stays(music, tmp_path):
    folder, ids = music
    plays, table = tmp_path / "plays", folder / "plays.csv"
    table.write_text("user_id,track_id,plays\nada,a,3\n")
    import_plays(plays, table)
    import_folder_playlists(plays, [folder], paths=lambda: ids)
    assert listeners(plays) == ["ada", "all", "rock/loud"]


def test_lists_that_audiorec_wrote_are_no_listeners(music, tmp_path):
    folder, ids = music
    (folder / "all.m3u8").write_text(f"#EXTM3U\n{OWN}\na.mp3\n")
    assert [path.name for path in playlists_in(folder)] == ["loud.m3u"]
    (found,) = import_folder_playlists(tmp_path / "plays", [folder], paths=lambda: ids)
    assert found.report.users == 1 and listeners(tmp_path / "plays") == ["rock/loud"]


def test_no_playlists_no_plays(tmp_path):
    (tmp_path / "music").mkdir()
    assert import_folder_playlists(tmp_path / "plays", [tmp_path / "music"], paths=dict) == []
    assert not (tmp_path / "plays").exists()


def test_one_that_cannot_be_read_costs_none_of_the_others(music, tmp_path):
    folder, ids = music
    (folder / "bad.m3u").write_bytes(b"\0")
    (found,) = import_folder_playlists(tmp_path / "plays", [folder], paths=lambda: ids)
    ((path, reason),) = found.unread
    assert path == str(folder.resolve() / "bad.m3u") and "is no text" in reason
    assert found.report.users == 2 and listeners(tmp_path / "plays") == ["all", "rock/loud"]


def test_where_none_can_be_read_what_is_stored_stays(counted):
    folder, ids, plays = counted
    for file in playlists_in(folder):
        file.write_bytes(b"\0")
    (found,) = import_folder_playlists(plays, [folder], paths=lambda: ids)
    assert found.report is None and "is no text" in found.reason and len(found.unread) == 2
    assert listeners(plays) == ["all", "rock/loud"]


def test_lists_that_name_nothing_here_count_no_more(counted):
    folder, ids, plays = counted
    (folder / "all.m3u8").unlink()
    (folder / "rock" / "loud.m3u").write_text("http://radio.example/stream\n")
    (found,) = import_folder_playlists(plays, [folder], paths=lambda: ids)
    assert found.report is None and found.unread == () and "names a file" in found.reason
    assert imported_from(plays, source="m3u") == []


@pytest.mark.parametrize("other", [False, True])
def test_the_last_one_gone_or_left_out(music, tmp_path, other):
    folder, ids = music
    for leave in (False, True):
        plays = tmp_path / f"plays-{leave}"
        if other:
            table = tmp_path / "plays.csv"
            table.write_text("user_id,track_id,plays\nada,a,3\n")
            import_plays(plays, table)
        for file in ("all.m3u8", "rock/loud.m3u"):
            (folder / file).write_text(f"{folder / 'a.mp3'}\n")
        import_folder_playlists(plays, [folder], paths=lambda: ids)
        if leave:
            assert remove_folder_playlists(plays, [folder]) == 2
        else:
            for file in playlists_in(folder):
                file.unlink()
            assert import_folder_playlists(plays, [folder], paths=lambda: ids) == []
        if other:
            assert listeners(plays) == ["ada"]
        else:
            with pytest.raises(ArtifactError, match="there are no plays"):
                load_plays(plays)


def test_a_folder_that_is_a_link(music, tmp_path):
    folder, ids = music
    link = tmp_path / "link"
    link.symlink_to(folder)
    by_link = {path.replace(str(folder), str(link)): id_ for path, id_ in ids.items()}
    (found,) = import_folder_playlists(tmp_path / "plays", [link], paths=lambda: by_link)
    assert found.report.unknown == 0 and found.report.tracks == 3


def test_names_that_no_text_can_hold(music, tmp_path):
    """A playlist and a folder of old names, and addresses that are none."""
    folder, ids = music
    old = os.fsdecode(b"\xe9t\xe9")
    (folder / old).mkdir()
    (folder / old / f"{old}.m3u").write_text(f"../a.mp3\nown.mp3\n{folder}/b.mp3\n")
    long = "a\\" + "x" * 5000
    (folder / "odd.m3u").write_text(
        f"http://[bad/stream\nfile:///a%00b.mp3\n{long}\n{'y' * 5000}\nb.mp3\n"
    )
    (found,) = import_folder_playlists(tmp_path / "plays", [folder], paths=lambda: ids)
    assert found.unread == () and found.report.unknown == 3
    assert listeners(tmp_path / "plays") == ["\\xe9t\\xe9/\\xe9t\\xe9", "all", "odd", "rock/loud"]
