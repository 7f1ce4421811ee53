"""What a scan finds in folders, what it passes by, and what it looks at again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import mutagen.id3
import pytest

from audiorec.data.catalog import Catalog
from audiorec.data.folder_walk import is_ignored, rules_for
from audiorec.data.playlist_files import playlists_in
from audiorec.scan import find_audio_files, scan


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        yield catalog


@pytest.fixture(scope="module")
def song(tmp_path_factory, tune, write_audio) -> Path:
    return write_audio(tmp_path_factory.mktemp("song") / "a.wav", tune(2, 8000, 1), sr=8000)


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def found(root: Path, **how) -> set[str]:
    return {os.path.relpath(file.path, root) for file in find_audio_files([root], **how)}


def test_recycle_bins_and_what_is_marked_is_passed_by(tmp_path):
    root = make(
        tmp_path / "m", "a.mp3", "#recycle/b.mp3", "$RECYCLE.BIN/c.mp3", ".Trash-1000/d.mp3",
        "x/@eaDir/e.mp3", "phone/.nomedia", "phone/f.mp3", "phone/g/h.mp3", "nd/.ndignore",
        "nd/i.mp3", "l.m3u", "#recycle/l.m3u", "phone/l.m3u",
    )  # fmt: skip
    assert found(root) == {"a.mp3"}
    assert playlists_in(root) == [root / "l.m3u"]


@pytest.mark.parametrize("name", [".audiorecignore", ".plexignore", ".ndignore"])
def test_ignore_files_take_patterns_of_gitignore(tmp_path, name):
    root = make(tmp_path / "m", "a.mp3", "a.wav", "x/b.wav", "x/keep.wav", "x/y/c.mp3", "y/d.mp3")
    (root / name).write_text("*.wav\n# a comment\n!keep.wav\n/y/\n!\n")
    assert found(root) == {"a.mp3", "x/keep.wav", "x/y/c.mp3"}
    (root / "x" / name).write_text("!b.wav\ny/\n")
    assert found(root) == {"a.mp3", "x/keep.wav", "x/b.wav"}


def test_patterns_can_be_named(tmp_path):
    root = make(tmp_path / "m", "a.mp3", "Audiobooks/b.mp3", "x/c.wav")
    assert found(root, exclude=["Audiobooks/", "*.wav"]) == {"a.mp3"}


def test_what_is_passed_by_from_now_on_is_missing_and_comes_back(tmp_path, catalog, song):
    for name in ("a.wav", "talk/b.wav"):
        (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(song, tmp_path / "m" / name)
    assert scan(catalog, [tmp_path / "m"], n_jobs=1).added == 2
    (tmp_path / "m" / ".audiorecignore").write_text("talk/")
    assert scan(catalog, [tmp_path / "m"], n_jobs=1).missing == 1
    assert [Path(track.path).name for track in catalog.tracks()] == ["a.wav"]
    (tmp_path / "m" / ".audiorecignore").unlink()
    assert scan(catalog, [tmp_path / "m"], n_jobs=1)[:2] == (0, 1)
    assert len(catalog) == 2


def test_names_that_are_no_text_are_heard(tmp_path, catalog, song):
    odd = os.fsencode(tmp_path) + b"/m/caf\xe9/na\xefve.wav"
    os.makedirs(os.path.dirname(odd))  # noqa: PTH103, PTH120
    shutil.copy(song, odd)
    assert scan(catalog, [tmp_path / "m"], n_jobs=1).added == 1
    assert scan(catalog, [tmp_path / "m"], n_jobs=1).unchanged == 1
    (track,) = catalog.tracks()
    assert os.fsencode(track.path) == odd and catalog.at(track.path) == track
    assert catalog.find(track.path) == track


def test_folders_of_any_depth(tmp_path, catalog, song):
    here = os.getcwd()  # noqa: PTH109
    try:
        os.chdir(tmp_path)
        for depth in range(1200):
            os.mkdir("d")  # noqa: PTH102
            os.chdir("d")
            if depth == 1100:
                shutil.copy(song, "a.wav")
    finally:
        os.chdir(here)
    make(tmp_path, "l.m3u")
    assert scan(catalog, [tmp_path / "d"], n_jobs=1).added == 1
    assert playlists_in(tmp_path) == [tmp_path / "l.m3u"]
    while (tmp_path / "d").exists():  # pytest's own removal is recursive
        shutil.move(tmp_path / "d", tmp_path / "e")
        if (tmp_path / "e" / "d").exists():
            shutil.move(tmp_path / "e" / "d", tmp_path / "d")
        shutil.rmtree(tmp_path / "e")


def test_a_path_that_the_system_does_not_take_costs_itself(tmp_path, catalog, song):
    here = os.getcwd()  # noqa: PTH109
    try:
        os.chdir(tmp_path)
        os.mkdir("m")  # noqa: PTH102
        os.chdir("m")
        shutil.copy(song, "a.wav")
        for _ in range(20):
            os.mkdir("n" * 240)  # noqa: PTH102
            os.chdir("n" * 240)
            if 3850 < len(os.getcwd()) < 4095:  # noqa: PTH109
                shutil.copy(song, "f" * 245 + ".wav")
    finally:
        os.chdir(here)
    for _ in range(2):
        report = scan(catalog, [tmp_path / "m"], n_jobs=1)
        assert report.failed == 2 and len(catalog) == 1
    folder, file = sorted(catalog.failures(), key=lambda failure: failure.path.endswith(".wav"))
    assert "cannot be listed: file name too long" in folder.reason
    assert "cannot be opened: file name too long" in file.reason


def test_a_retag_that_sets_the_time_back_is_seen(tmp_path, catalog, song):
    file = Path(shutil.copy(song, tmp_path / "a.wav"))
    for artist in ("Sade", "Enya"):
        tagged = mutagen.File(file)
        if tagged.tags is None:
            tagged.add_tags()
        tagged.tags.add(mutagen.id3.TPE1(encoding=3, text=[artist]))
        before = file.stat()
        tagged.save()
        if artist == "Enya":
            assert file.stat().st_size == before.st_size
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        scan(catalog, [file], n_jobs=1)
        assert [track.artist for track in catalog.tracks()] == [artist]


def test_forced_all_is_heard_again(tmp_path, catalog, song):
    file = Path(shutil.copy(song, tmp_path / "a.wav"))
    assert scan(catalog, [file], n_jobs=1).added == 1
    assert scan(catalog, [file], n_jobs=1).unchanged == 1
    assert scan(catalog, [file], force=True, n_jobs=1).unchanged == 1
    with catalog.transaction():
        catalog._db.execute("UPDATE tracks SET sr = 1")
    assert scan(catalog, [file], force=True, n_jobs=1).changed == 1


def test_untagged_names_come_from_the_path_and_say_so(tmp_path, catalog, song):
    file = tmp_path / "UB40" / "Labour of Love" / "10-Red_Red_Wine.wav"
    file.parent.mkdir(parents=True)
    shutil.copy(song, file)
    scan(catalog, [file], n_jobs=1)
    (track,) = catalog.tracks()
    assert (track.artist, track.album, track.title, track.number) == (
        "UB40", "Labour of Love", "Red Red Wine", 10,
    )  # fmt: skip
    assert track.guessed == ("album", "artist", "number", "title")
    assert catalog.find("red red WINE") == track == catalog.find("ub40 - red_red wine")
    tagged = mutagen.File(file)
    tagged.add_tags()
    tagged.tags.add(mutagen.id3.TPE1(encoding=3, text=["UB 40"]))
    tagged.tags.add(mutagen.id3.TIT2(encoding=3, text=["Wine"]))
    tagged.save()
    scan(catalog, [file], n_jobs=1)
    (track,) = catalog.tracks()
    assert (track.artist, track.title, track.number) == ("UB 40", "Wine", 10)
    assert track.guessed == ("number",)


def test_one_file_is_passed_by_where_a_walk_passes_it_by(tmp_path):
    root = make(
        tmp_path / "m", "a.mp3", "x/b.mp3", "x/c.wav", "phone/.nomedia", "phone/g/d.mp3",
        ".hidden/e.mp3", "#recycle/f.mp3",
    )  # fmt: skip
    (root / "x" / ".audiorecignore").write_text("*.wav\n")
    rules = rules_for(str(root))
    audio = [path for path in root.rglob("*") if path.suffix in (".mp3", ".wav")]
    seen = {
        os.path.relpath(path, root)
        for path in audio
        if not is_ignored(str(path), root=str(root), rules=rules)
    }
    assert seen == found(root) == {"a.mp3", "x/b.mp3"}


def test_an_ignore_file_that_cannot_be_read_says_nothing(tmp_path, link_unreadable):
    root = make(tmp_path / "m", "a.mp3")
    link_unreadable(root / ".audiorecignore")
    assert found(root) == {"a.mp3"}
