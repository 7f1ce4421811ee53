from __future__ import annotations

import os
import shutil

import mutagen
import numpy as np
import pytest

from audiorec.data.catalog import Catalog, Track
from audiorec.exceptions import DataError
from audiorec.pipeline.name_matcher import recordings
from audiorec.scan import read_recording_id, read_tags, scan, scan_manifest, scanner
from audiorec.scan.read_file import read_file
from audiorec.workspace import Workspace

from ...loaded_modules import modules_loaded_by
from ..in_this_process import run_here


@pytest.fixture(scope="module")
def songs(tmp_path_factory, tune, write_audio):
    """Three different songs."""
    folder = tmp_path_factory.mktemp("songs")
    return [
        write_audio(folder / f"{i}.flac", tune(2, 22050, 1, seed=i), sr=22050) for i in range(3)
    ]


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "workspace" / "catalog.sqlite") as catalog:
        yield catalog


@pytest.fixture
def music(tmp_path, songs):
    """A folder with two of the songs: ``one.flac`` and ``sub/two.flac``."""
    folder = tmp_path / "music"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(songs[0], folder / "one.flac")
    shutil.copy(songs[1], folder / "sub" / "two.flac")
    return folder


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch, request):
    """Decode here, to save the start of workers, except where a test is about them."""
    if "workers" not in request.node.name:
        monkeypatch.setattr(scanner, "run_isolated", run_here)


def report(**counts):
    zeros = dict.fromkeys(scanner.ScanReport._fields, 0)
    return scanner.ScanReport(**{**zeros, **counts})


def ids(catalog):
    return {os.path.basename(t.path): t.track_id for t in catalog.tracks()}  # noqa: PTH119


def test_first_scan_then_nothing_to_do(catalog, music):
    assert scan(catalog, [music]) == report(added=2)
    one, two = sorted(catalog.tracks(), key=lambda t: t.path)
    assert (one.path, one.title, one.format) == (str(music / "one.flac"), "one", "flac")
    assert (one.duration, one.sr, one.channels) == (2.0, 22050, 1)
    assert one.track_id == one.clip_hash[:16] != two.track_id
    assert scan(catalog, [music]) == report(unchanged=2)


def test_workers_decode(catalog, music):
    calls = []
    (music / "broken.mp3").write_bytes(b"no sound")
    found = scan(catalog, [music], n_jobs=2, progress=lambda *call: calls.append(call))
    assert found == report(added=2, failed=1)
    assert calls[-1] == ("scan", 3, 3)
    assert [c[1] for c in calls] == sorted(c[1] for c in calls)


def test_moved_and_retagged_files_keep_their_track(catalog, music):
    scan(catalog, [music])
    before = ids(catalog)
    (music / "one.flac").rename(music / "sub" / "uno.flac")
    assert scan(catalog, [music]) == report(moved=1, unchanged=1)
    tags = mutagen.File(music / "sub" / "uno.flac")
    tags["artist"], tags["title"], tags["date"] = "Björk", "Jóga\nlive", "1997-09-15"
    tags.save()
    assert scan(catalog, [music]) == report(changed=1, unchanged=1)
    track = catalog.find("Björk - Jóga live")
    assert track.track_id == before["one.flac"] and track.year == 1997


def test_two_files_that_swap_names_swap_paths(catalog, music):
    scan(catalog, [music])
    before = ids(catalog)
    one, two, aside = music / "one.flac", music / "sub" / "two.flac", music / "aside"
    one.rename(aside), two.rename(one), aside.rename(two)
    os.utime(one, ns=(1, 1)), os.utime(two, ns=(2, 2))
    assert scan(catalog, [music]) == report(moved=2)
    assert ids(catalog) == {"one.flac": before["two.flac"], "two.flac": before["one.flac"]}


def test_another_sound_under_the_same_name_keeps_the_track(catalog, music, songs):
    scan(catalog, [music])
    before, digest = ids(catalog), catalog.fingerprint()
    shutil.copy(songs[2], music / "one.flac")
    assert scan(catalog, [music]) == report(changed=1, unchanged=1)
    assert ids(catalog) == before and catalog.fingerprint() != digest


def test_deleted_files_are_marked_and_may_come_back(catalog, music, songs):
    scan(catalog, [music])
    before = ids(catalog)
    (music / "one.flac").unlink()
    assert scan(catalog, [music]) == report(unchanged=1, missing=1)
    assert len(catalog) == 1 and len(catalog.tracks(include_missing=True)) == 2
    assert scan(catalog, [music]) == report(unchanged=1)
    shutil.copy(songs[0], music / "back.flac")
    assert scan(catalog, [music]) == report(unchanged=1, moved=1)
    assert ids(catalog)["back.flac"] == before["one.flac"]


def test_what_was_not_looked_at_is_not_missing(catalog, music):
    scan(catalog, [music])
    (music / "one.flac").unlink()
    assert scan(catalog, [music / "sub"]) == report(unchanged=1)
    assert len(catalog) == 2


def test_a_copy_is_a_track_of_its_own(catalog, music):
    scan(catalog, [music])
    shutil.copy(music / "one.flac", music / "copy.flac")
    assert scan(catalog, [music]) == report(added=1, unchanged=2)
    assert ids(catalog)["copy.flac"] == ids(catalog)["one.flac"] + "-2"
    assert set(catalog.duplicate_groups().values()) == {0}


def test_other_files_are_passed_by_but_named_ones_are_tried(catalog, music, songs):
    for name in ("cover.jpg", "notes.txt", ".hidden.flac", "noext"):
        shutil.copy(songs[2], music / name)
    (music / ".git").mkdir()
    shutil.copy(songs[2], music / ".git" / "x.flac")
    assert scan(catalog, [music]) == report(added=2)
    assert scan(catalog, [music, music / "noext"]) == report(added=1, unchanged=2)


def test_loops_of_links_end(catalog, music):
    (music / "sub" / "loop").symlink_to(music)
    assert scan(catalog, [music, music / "sub"]) == report(added=2)


def test_files_that_cannot_be_used_are_recorded(catalog, music, write_audio):
    (music / "empty.mp3").touch()
    (music / "text.ogg").write_text("hello")
    (music / "self.mp3").symlink_to(music / "self.mp3")
    (music / "gone.mp3").symlink_to(music / "nowhere.mp3")
    (music / "folder.mp3").mkdir()
    os.mkfifo(music / "pipe.wav")
    write_audio(music / "silent.wav", np.zeros(44100, np.float32))
    bad = os.fsencode(music) + b"/latin-\xe9.flac"
    shutil.copy(music / "one.flac", bad)
    assert scan(catalog, [music]) == report(added=3, failed=6)
    reasons = {os.path.basename(f.path): f.reason for f in catalog.failures()}  # noqa: PTH119
    expected = {
        "empty.mp3": "is empty",
        "text.ogg": "cannot be decoded",
        "self.mp3": "cannot be opened",
        "gone.mp3": "is a link to nothing",
        "pipe.wav": "is not a regular file",
        "silent.wav": "is silent",
    }
    assert reasons.keys() == expected.keys()
    for name, what in expected.items():
        assert what in reasons[name] and name in reasons[name] and "\n" not in reasons[name]
    assert all(f.stage == "scan" for f in catalog.failures())


def test_a_file_that_is_heard_in_spite_of_damage_is_noted(catalog, music):
    content = bytearray((music / "one.flac").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    (music / "one.flac").write_bytes(content)
    assert scan(catalog, [music]) == report(added=2)
    assert catalog.failures() == []
    (note,) = catalog.notes()
    reason = f"{music / 'one.flac'} has damaged frames, which are left out; copy it again"
    assert note.reason == reason
    assert scan(catalog, [music]) == report(unchanged=2) and catalog.notes() == [note]
    (music / "one.flac").unlink()
    scan(catalog, [music])
    assert catalog.notes() == []


def test_kinds_that_no_decoder_knows_are_named(catalog, music):
    for suffix in ("mid", "mkv", "3gp", "m4r", "spx", "tak", "dts", "dff"):
        (music / f"a.{suffix}").write_bytes(b"MThd\0\0\0\6" + bytes(90))
    assert scan(catalog, [music]) == report(added=2, failed=8)
    assert all("cannot be decoded" in failure.reason for failure in catalog.failures())


def test_broken_files_are_not_tried_again_until_they_change(catalog, music, songs, monkeypatch):
    (music / "bad.flac").write_bytes(b"no sound")
    scan(catalog, [music])
    heard = []
    monkeypatch.setattr(
        scanner, "run_isolated", lambda f, items, **kw: run_here(f, heard.extend(items) or items)
    )
    assert scan(catalog, [music]) == report(unchanged=2, failed=1)
    assert heard == []
    assert scan(catalog, [music / "bad.flac"]).failed == 1
    assert heard == [str(music / "bad.flac")]
    shutil.copy(songs[2], music / "bad.flac")
    assert scan(catalog, [music]) == report(added=1, unchanged=2)
    assert catalog.failures() == []


def test_failures_of_deleted_files_are_forgotten(catalog, music):
    (music / "bad.flac").write_bytes(b"no sound")
    scan(catalog, [music])
    (music / "bad.flac").unlink()
    assert scan(catalog, [music]) == report(unchanged=2)
    assert catalog.failures() == []


def test_a_known_track_whose_file_breaks_is_kept(catalog, music):
    scan(catalog, [music])
    before = catalog.tracks()
    (music / "one.flac").write_bytes(b"overwritten")
    assert scan(catalog, [music]) == report(unchanged=1, failed=1)
    assert catalog.tracks() == before


def test_a_file_that_is_put_back_is_no_failure(catalog, music, tmp_path):
    scan(catalog, [music])
    kept = shutil.copy2(music / "one.flac", tmp_path / "kept.flac")
    content = (music / "one.flac").read_bytes()
    (music / "one.flac").write_bytes(content[: len(content) // 2])
    assert scan(catalog, [music]) == report(unchanged=1, failed=1)
    catalog.record_failure(music / "one.flac", stage="mel", reason="not heard then either")
    shutil.copy2(kept, music / "one.flac")
    assert scan(catalog, [music]) == report(unchanged=2)
    # Heard again since its state has changed, whatever its time says: nothing is known against it.
    assert catalog.failures() == []


def test_names_in_other_scripts_and_with_newlines(catalog, music):
    names = ["песня.flac", "歌 ♪.flac", "two\nlines.flac", "-v.flac", "100%.flac"]
    for name in names:
        shutil.copy(music / "one.flac", music / name)
    assert scan(catalog, [music]).added == 2 + len(names)
    for name in names:
        assert catalog.find(str(music / name)).path == str(music / name)


def test_a_path_that_is_not_there(catalog, tmp_path):
    with pytest.raises(DataError, match="there is no file or folder .*nope; check the path"):
        scan(catalog, [tmp_path / "nope"])


def test_what_was_heard_before_a_kill_is_not_heard_again(catalog, music, monkeypatch):
    def die(*_args, **_settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(scanner, "match_files", die)
        scan(catalog, [music])
    assert len(catalog) == 0 and len(catalog.staged()) == 2
    monkeypatch.setattr(scanner, "run_isolated", lambda f, items, **kw: run_here(die, items))
    assert scan(catalog, [music]) == report(added=2)
    assert catalog.staged() == {}


# -- manifests ------------------------------------------------------------------------------------


def manifest(folder, text, encoding="utf-8"):
    (folder / "tracks.csv").write_bytes(text.encode(encoding))
    return folder / "tracks.csv"


def test_manifest(catalog, music):
    file = manifest(
        music,
        "track_id,path,artist,title,year,extra\n"
        "A,one.flac,Björk,Jóga,1997,x\nB,sub/two.flac,,,,\nC,none.flac,,,,\n",
        "utf-8-sig",
    )
    assert scan_manifest(catalog, file) == report(added=2, failed=1)
    a, b = catalog.tracks()
    assert (a.track_id, a.artist, a.title, a.year) == ("A", "Björk", "Jóga", 1997)
    assert (b.track_id, b.artist, b.title, b.year) == ("B", "", "two", None)
    assert scan_manifest(catalog, file) == report(unchanged=2, failed=1)


def test_what_a_manifest_gives_wins_over_tags_and_outlives_moves(catalog, music):
    scan_manifest(catalog, manifest(music, "track_id,path,artist\nA,one.flac,Given\n"))
    tags = mutagen.File(music / "one.flac")
    tags["artist"], tags["title"] = "Tagged", "Title"
    tags.save()
    (music / "one.flac").rename(music / "uno.flac")
    assert scan(catalog, [music]) == report(added=1, moved=1)
    track = catalog.get("A")
    assert (track.artist, track.title, track.path) == ("Given", "Title", str(music / "uno.flac"))


def test_what_a_manifest_gives_no_more_is_the_tags_own_again(catalog, music):
    tags = mutagen.File(music / "one.flac")
    tags["artist"] = "Tagged"
    tags.save()
    scan_manifest(catalog, manifest(music, "track_id,path,artist,genre\nA,one.flac,Given,Jazz\n"))
    emptied = manifest(music, "track_id,path,artist,genre\nA,one.flac,,Jazz\n")
    assert scan_manifest(catalog, emptied) == report(changed=1)
    track = catalog.get("A")
    assert (track.artist, track.genre) == ("Tagged", "Jazz")
    assert scan_manifest(catalog, emptied) == report(unchanged=1)
    assert scan(catalog, [music]).changed == 0
    assert catalog.get("A").genre == "Jazz"


def test_a_manifest_names_tracks_that_were_scanned_before(catalog, music):
    scan(catalog, [music])
    file = manifest(music, "track_id,path\nA,one.flac\n")
    assert scan_manifest(catalog, file) == report(changed=1)
    assert ids(catalog)["one.flac"] == "A" and len(catalog) == 2
    assert scan_manifest(catalog, file) == report(unchanged=1)


def test_a_manifest_with_other_paths_moves_its_tracks(catalog, music):
    scan_manifest(catalog, manifest(music, "track_id,path\nA,one.flac\nB,sub/two.flac\n"))
    swapped = manifest(music, "track_id,path\nB,one.flac\nA,sub/two.flac\n")
    scan_manifest(catalog, swapped)
    assert ids(catalog) == {"one.flac": "B", "two.flac": "A"}


@pytest.mark.parametrize(
    ("text", "encoding", "match"),
    [
        ("", "utf-8", "lacks the column track_id"),
        ("track_id,file\na,b\n", "utf-8", "lacks the column path; its first line must"),
        ("track_id,path\n", "utf-8", "has no rows"),
        ("track_id,path\na,x\na,y\n", "utf-8", "has track_id 'a' in lines 2 and 3"),
        ("track_id,path\na,x\nb,x\n", "utf-8", "names 'x' twice, again in line 3"),
        ("track_id,path\n,x\n", "utf-8", "has no track_id in line 2"),
        ("track_id,path\na,\n", "utf-8", "has no path in line 2"),
        (
            "track_id,path,artist\na,b.mp3,c\nd,e.mp",
            "utf-8",
            "is cut off in line 3: it has 2 of the 3",
        ),
        ('track_id,path\na,"b.mp3\n', "utf-8", "is not CSV from line"),
        ("track_id,path,year\na,x,soon\n", "utf-8", "has year 'soon' in line 2"),
        ("track_id,path\na,café.mp3\n", "latin-1", "is not UTF-8; save it in UTF-8"),
        ("track_id,path\na,x\n", "utf-16", "is not UTF-8"),
        ("track_id,path\na,x\0.mp3\n", "utf-8", "has a zero byte in line 2; remove it"),
        ("track_id,path,title\na,x,y\0\n", "utf-8", "has a zero byte in line 2; remove it"),
        ("track_id,path,artist,artist\na,x,b,c\n", "utf-8", "has 2 columns 'artist'; keep one"),
    ],
)
def test_manifests_that_cannot_be_used(catalog, tmp_path, text, encoding, match):
    with pytest.raises(DataError, match=match) as caught:
        scan_manifest(catalog, manifest(tmp_path, text, encoding))
    assert "tracks.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_no_manifest(catalog, tmp_path):
    with pytest.raises(DataError, match="cannot be opened: no such file"):
        scan_manifest(catalog, tmp_path / "none.csv")


# -- tags -----------------------------------------------------------------------------------------


def test_tags_of_a_flac_behind_an_id3_tag(tmp_path, tune, write_audio):
    path = write_audio(tmp_path / "a.flac", tune(1))
    opened = mutagen.File(path)
    opened["title"] = "Own title"
    opened.save()
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.TIT2(encoding=3, text=["Title in front"]))
    tag.add(mutagen.id3.TPE1(encoding=3, text=["Artist in front"]))
    tag.save(tmp_path / "tag", v2_version=3)
    path.write_bytes((tmp_path / "tag").read_bytes() + path.read_bytes())
    tags = read_tags(path)
    assert (tags["artist"], tags["title"]) == ("Artist in front", "Own title")


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wma"])
def test_tags(tmp_path, tune, write_audio, suffix):
    sr = 48000 if suffix == ".opus" else 44100
    file = write_audio(tmp_path / f"a{suffix}", tune(2, sr), sr=sr)
    tags = mutagen.File(file, easy=True)
    if tags.tags is None:
        tags.add_tags()
    asf = {
        "artist": "Author",
        "title": "Title",
        "album": "WM/AlbumTitle",
        "genre": "WM/Genre",
        "date": "WM/Year",
    }
    given = {
        "artist": "Björk",
        "title": "Jóga",
        "album": "Homogenic",
        "genre": "Pop",
        "date": "1997-09-15",
    }
    for key, value in given.items():
        tags[asf[key] if suffix == ".wma" else key] = value
    tags.save()
    disguised = file.rename(tmp_path / "a.xyz")
    assert read_tags(disguised) == {
        "artist": "Björk",
        "title": "Jóga",
        "album": "Homogenic",
        "genre": "Pop",
        "year": 1997,
        "number": None,
        "disc": None,
        "album_artist": "",
        "composer": "",
        "recording_mbid": "",
    }


MBID = "11111111-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"albumartist": "Various Artists", "title": "X"}, {"artist": ""}),
        ({"artist": "Björk", "albumartist": "Various Artists"},
         {"artist": "Björk", "album_artist": "Various Artists"}),
        ({"albumartist": "Björk"}, {"artist": "Björk", "album_artist": ""}),
        ({"performer": "Martha Argerich", "composer": "Bach"},
         {"artist": "Martha Argerich", "composer": "Bach"}),
        ({"conductor": "Carlos Kleiber", "composer": "Beethoven"}, {"artist": "Carlos Kleiber"}),
        ({"composer": "Bach"}, {"artist": "Bach", "composer": ""}),
        ({"discnumber": "2/3", "tracknumber": "4/12"}, {"disc": 2, "number": 4}),
        ({"musicbrainz_trackid": MBID.upper()}, {"recording_mbid": MBID}),
    ],
)  # fmt: skip
def test_compilations_discs_and_classical_music(tmp_path, tune, write_audio, given, expected):
    file = write_audio(tmp_path / "a.flac", tune(2))
    tags = mutagen.File(file)
    tags.update(given)
    tags.save()
    found = read_tags(file)
    assert {key: found[key] for key in expected} == expected
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        scan(catalog, [file], n_jobs=1)
        (track,) = catalog.tracks()
        (row,) = catalog.file_rows()
        assert not catalog.without_credits()
    assert row.track == track
    for key in ("disc", "album_artist", "composer", "recording_mbid"):
        assert getattr(track, key) == found[key]


@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_id3_in_wav_and_aiff(tmp_path, tune, write_audio, suffix):
    from mutagen.id3 import TDRC, TIT2, TPE1

    file = write_audio(tmp_path / f"a{suffix}", tune(2))
    tags = mutagen.File(file)
    tags.add_tags()
    for frame in (TPE1(text="Björk"), TIT2(text="Jóga"), TDRC(text="1997")):
        tags.tags.add(frame)
    tags.save()
    found = read_tags(file)
    assert (found["artist"], found["title"], found["year"]) == ("Björk", "Jóga", 1997)


@pytest.mark.parametrize(
    "content", [b"", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"\xff" * 99, b"fLaC\0\0"]
)
def test_torn_tags_are_no_tags(tmp_path, content):
    (tmp_path / "x.mp3").write_bytes(content)
    assert read_tags(tmp_path / "x.mp3")["title"] == ""


def test_scanning_imports_no_torch():
    assert not modules_loaded_by("import audiorec.scan.read_file") & {"torch", "librosa"}


def test_a_change_time_that_was_not_kept_is_learned(catalog, music):
    """Of a catalogue that was made before they were kept."""
    scan(catalog, [music])
    kept = {row.track.path: row.ctime_ns for row in catalog.file_rows()}
    assert all(kept.values())
    catalog.keep_change_times(dict.fromkeys(ids(catalog).values(), 0))
    catalog.record_failure(music / "one.flac", stage="scan", reason="broke meanwhile")
    assert scan(catalog, [music]) == report(unchanged=2)
    assert {row.track.path: row.ctime_ns for row in catalog.file_rows()} == kept
    assert catalog.failures() == []


MBID = "11111111-0000-4000-8000-00000000000A"


def test_the_id_of_a_recording(tmp_path, songs):
    """As whoever matches names reads it, of files that were scanned before it was kept."""
    file = tmp_path / "a.flac"
    shutil.copy(songs[0], file)
    assert read_recording_id(file) == ""
    tags = mutagen.File(file)
    tags["musicbrainz_trackid"] = MBID
    tags.save()
    assert read_recording_id(file) == MBID.lower()
    assert read_recording_id(tmp_path / "gone.flac") == ""
    workspace = Workspace(tmp_path / "w")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(Track("a", str(file), "X", "Song"))
        database = catalog._db
        with catalog.transaction():
            database.execute("DELETE FROM credits")
    read = [
        recordings(workspace, with_mbids=with_mbids)[0].name.recording_mbid
        for with_mbids in (False, True)
    ]
    assert read == ["", MBID.lower()]


def test_names_that_tags_say_stand_over_those_of_the_path(tmp_path, songs):
    """Another artist than the folder's has no album of that folder; parts of a file no title."""
    file = tmp_path / "Björk" / "Homogenic" / "02 Jóga.flac"
    file.parent.mkdir(parents=True)
    shutil.copy(songs[0], file)
    guessed = read_file(str(file))
    assert (guessed["artist"], guessed["album"], guessed["title"]) == ("Björk", "Homogenic", "Jóga")
    tags = mutagen.File(file, easy=True)
    tags["artist"], tags["title"] = "Portishead", "Roads"
    tags.save()
    said = read_file(str(file))
    assert (said["artist"], said["album"], said["title"]) == ("Portishead", "", "Roads")
    part = read_file(f"{file}#t=0.000,1.500")
    assert (part["artist"], part["title"] != "Roads", part["duration"]) == ("Portishead", True, 1.5)
