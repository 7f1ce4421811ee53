"""Playlists among the music."""

from __future__ import annotations

import pytest

from audiorec.data.interactions import import_plays, load_plays
from audiorec.data.m3u import OWN, playlists_in
from audiorec.data.playlists import take_playlists


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


def listeners(directory):
    return sorted(load_plays(directory)["user_id"].unique().to_list())


def test_each_counts_once_however_often_it_is_met(music, tmp_path):
    folder, ids = music
    plays = tmp_path / "plays"
    for folders in ([folder], [folder, folder / "rock"], [folder / "rock"], [folder]):
        (found,) = take_playlists(plays, folders, paths=ids)
        assert (found.folder, found.n_lists, found.problem) == (folder.resolve(), 2, "")
        assert found.report.unknown == 0
        assert listeners(plays) == ["all", "rock/loud"]
        assert len(load_plays(plays)) == 5


def test_a_folder_takes_the_place_of_one_within_it(music, tmp_path):
    folder, ids = music
    plays = tmp_path / "plays"
    take_playlists(plays, [folder / "rock"], paths=ids)
    assert listeners(plays) == ["loud"]
    (found,) = take_playlists(plays, [folder], paths=ids)
    assert found.report.replaced == 2
    assert listeners(plays) == ["all", "rock/loud"]


def test_a_playlist_that_is_gone_counts_no_more(music, tmp_path):
    folder, ids = music
    plays = tmp_path / "plays"
    take_playlists(plays, [folder], paths=ids)
    (folder / "all.m3u8").unlink()
    take_playlists(plays, [folder], paths=ids)
    assert listeners(plays) == ["rock/loud"]


def test_other_listening_stays(music, tmp_path):
    folder, ids = music
    plays, table = tmp_path / "plays", folder / "plays.csv"
    table.write_text("user_id,track_id,plays\nada,a,3\n")
    import_plays(plays, table)
    take_playlists(plays, [folder], paths=ids)
    assert listeners(plays) == ["ada", "all", "rock/loud"]


def test_lists_that_audiorec_wrote_are_no_listeners(music, tmp_path):
    folder, ids = music
    (folder / "all.m3u8").write_text(f"#EXTM3U\n{OWN}\na.mp3\n")
    assert [path.name for path in playlists_in(folder)] == ["loud.m3u"]
    (found,) = take_playlists(tmp_path / "plays", [folder], paths=ids)
    assert found.n_lists == 1 and listeners(tmp_path / "plays") == ["rock/loud"]


def test_no_playlists_no_plays(tmp_path):
    (tmp_path / "music").mkdir()
    assert take_playlists(tmp_path / "plays", [tmp_path / "music"], paths={}) == []
    assert not (tmp_path / "plays").exists()


def test_what_cannot_be_read_is_told_and_nothing_lost(music, tmp_path):
    folder, ids = music
    plays = tmp_path / "plays"
    take_playlists(plays, [folder], paths=ids)
    (folder / "bad.m3u").write_bytes(b"\0")
    (found,) = take_playlists(plays, [folder], paths=ids)
    assert found.report is None and "bad.m3u is no text" in found.problem
    assert listeners(plays) == ["all", "rock/loud"]


def test_a_folder_that_is_a_link(music, tmp_path):
    folder, ids = music
    link = tmp_path / "link"
    link.symlink_to(folder)
    by_link = {path.replace(str(folder), str(link)): id_ for path, id_ in ids.items()}
    (found,) = take_playlists(tmp_path / "plays", [link], paths=by_link)
    assert found.report.unknown == 0 and found.report.tracks == 3
