"""CUE sheets: one file, many tracks, from the scan to the playlist."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiorec.audio import IDENTITY_CLIP, MelConfig, decode_clips, probe
from audiorec.data import FilePart, file_of, segment_of
from audiorec.data.catalog import Catalog
from audiorec.exceptions import AudioError
from audiorec.mel import MelStore, compute_mels
from audiorec.playlist import write_playlist
from audiorec.scan import cue, read_cue, scan

SR = 8000
SHEET = """\
\ufeffREM GENRE "Trip Hop"
REM DATE 1994
PERFORMER "Portishead"
TITLE "Dummy, Live"
FILE "side one.wav" WAVE
  TRACK 01 AUDIO
    TITLE "Mysterons"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Sour \tTimes"
    PERFORMER "Portishead & Band"
    INDEX 00 00:07:00
    INDEX 01 00:08:37
  TRACK 03 AUDIO
    INDEX 01 00:16:00
"""


@pytest.fixture
def album(tmp_path) -> Path:
    """A file of 24 s, three tones of 8 s, with its sheet."""
    folder = tmp_path / "music"
    folder.mkdir()
    t = np.arange(8 * SR) / SR
    tones = [0.3 * np.sin(2 * np.pi * f * t) for f in (220, 440, 880)]
    soundfile.write(folder / "side one.wav", np.concatenate(tones).astype(np.float32), SR)
    (folder / "album.cue").write_text(SHEET, encoding="utf-8")
    return folder


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as opened:
        yield opened


def run(catalog: Catalog, folder: Path):
    return scan(catalog, [folder], n_jobs=1)


def test_a_sheet_makes_tracks_of_a_file(catalog, album):
    assert run(catalog, album).added == 3
    first, second, third = sorted(catalog.tracks(), key=lambda track: track.number)
    assert (first.artist, first.title, first.album) == ("Portishead", "Mysterons", "Dummy, Live")
    assert (first.genre, first.year, second.artist) == ("Trip Hop", 1994, "Portishead & Band")
    assert second.title == "Sour Times" and third.title != "Mysterons"
    assert segment_of(second.path) == FilePart(str(album / "side one.wav"), 8.493, 16.0)
    assert [track.duration for track in (first, second, third)] == [8.493, 7.507, 8.0]
    report = run(catalog, album)
    assert report.unchanged == 3 and report.missing == 0


def test_each_has_the_sound_of_its_part(catalog, album, tmp_path):
    run(catalog, album)
    config = MelConfig(sr=SR, n_mels=32, fmax=4000, clip_seconds=5.0)
    compute_mels(tmp_path / "mels", catalog, config=config, n_jobs=1)
    store = MelStore(tmp_path / "mels")
    loudest = [
        int(np.argmax(np.median(store.get(track.track_id).astype(np.float32), axis=1)))
        for track in sorted(catalog.tracks(), key=lambda track: track.number)
    ]
    assert loudest[0] < loudest[1] < loudest[2]


def test_a_new_title_needs_no_decoding_and_a_sheet_that_goes_leaves_the_file(
    catalog, album, monkeypatch
):
    run(catalog, album)
    sheet = album / "album.cue"
    sheet.write_text(SHEET.replace("Mysterons", "Mysterons (live)"), encoding="utf-8")
    monkeypatch.setattr("audiorec.scan.scanner.run_isolated", lambda *a, **k: iter(()))
    assert run(catalog, album).changed == 1
    assert "Mysterons (live)" in {track.title for track in catalog.tracks()}
    monkeypatch.undo()
    sheet.unlink()
    report = run(catalog, album)
    assert (report.added, report.missing) == (1, 3)
    sheet.write_text(SHEET, encoding="utf-8")
    report = run(catalog, album)
    assert report.missing == 1 and len(catalog) == 3


def test_playlists_say_where_a_track_begins(catalog, album, tmp_path):
    run(catalog, album)
    second = next(track for track in catalog.tracks() if track.number == 2)
    third = next(track for track in catalog.tracks() if track.number == 3)
    write_playlist([second, third], tmp_path / "list.m3u8")
    lines = (tmp_path / "list.m3u8").read_text().splitlines()
    assert lines.count(str(album / "side one.wav")) == 2
    options = [line for line in lines if line.startswith("#EXTVLCOPT")]
    assert options == [
        "#EXTVLCOPT:start-time=8.493", "#EXTVLCOPT:stop-time=16", "#EXTVLCOPT:start-time=16"
    ]  # fmt: skip
    write_playlist([second], tmp_path / "list.xspf")
    assert "side%20one.wav#t=8.493,16.000<" in (tmp_path / "list.xspf").read_text()
    write_playlist([third], tmp_path / "list.json")
    assert '"start": 16.0' in (tmp_path / "list.json").read_text()


def test_the_file_may_have_been_encoded_since(catalog, album):
    sheet = album / "album.cue"
    sheet.write_text(SHEET.replace("side one.wav", "C:\\rips\\Side One.ape"), encoding="utf-16")
    assert run(catalog, album).added == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("side one.wav", "other.wav", "names the file 'other.wav', which is not beside it"),
        ("00:16:00", "00:03:00", "times of 'side one.wav' that do not ascend"),
        ("00:16:00", "16:00", "gives '16:00' for a time, which is MM:SS:FF"),
        ("INDEX", "IDX", "names no track with a time"),
    ],
)
def test_sheets_that_cannot_be_used_are_counted_and_the_file_stays(catalog, album, old, new, said):
    (album / "album.cue").write_text(SHEET.replace(old, new), encoding="utf-8")
    report = run(catalog, album)
    assert (report.added, report.failed) == (1, 1)
    (failure,) = catalog.failures()
    assert said in failure.reason and failure.reason.endswith("correct the CUE sheet")


def test_a_part_behind_the_end(album):
    with pytest.raises(AudioError, match=r"ends at 24.0 s, before 30.0 s.*correct its CUE sheet"):
        probe(Path(f"{album / 'side one.wav'}#t=30.000,"))
    clips = decode_clips(Path(f"{album / 'side one.wav'}#t=20.000,99.000"), config=IDENTITY_CLIP)
    assert clips.info.duration == 4.0


def test_paths_of_parts():
    for segment in (FilePart("/a/b.flac", 1.5, None), FilePart("/a/b#t=1.flac", 0.0, 2.25)):
        assert segment_of(segment.path) == segment and file_of(segment.path) == segment.file
    assert segment_of("/a/b.flac") is None and file_of("/a/#t=b.flac") == "/a/#t=b.flac"


def test_a_file_for_every_track_stays_as_it_is(catalog, album):
    soundfile.write(album / "b.wav", np.full(2 * SR, 0.1, dtype=np.float32), SR)
    sheet = 'FILE "side one.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nFILE "b.wav" WAVE\n'
    (album / "album.cue").write_text(f"{sheet}TRACK 02 AUDIO\nINDEX 01 00:00:00\n")
    assert len(read_cue(str(album / "album.cue"))) == 2
    run(catalog, album)
    assert {Path(track.path).name for track in catalog.tracks()} == {"side one.wav", "b.wav"}


def sheet_of(tmp_path, content: bytes):
    (tmp_path / "a.cue").write_bytes(content)
    return read_cue(str(tmp_path / "a.cue"))


def test_sheets_as_they_are_found(tmp_path):
    """Blank lines, quotes that nothing closes, commands without a value, other code pages."""
    text = SHEET.replace('"Portishead"\n', '"Portishead\n\nTITLE\n').replace("Sour", "Söur")
    for encoding in ("utf-8", "cp1252"):
        tracks = sheet_of(tmp_path, text.lstrip("\ufeff").encode(encoding))
        assert [track.tags["artist"] for track in tracks] == [
            "Portishead", "Portishead & Band", "Portishead",
        ]  # fmt: skip
        assert tracks[1].tags["title"] == "Söur Times" and tracks[1].start == 8 + 37 / 75


def test_what_is_too_large_for_a_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr(cue, "MOST_BYTES", len(SHEET.encode()))
    assert len(sheet_of(tmp_path, SHEET.encode())) == 3
    with pytest.raises(ValueError, match="is too large to be a CUE sheet"):
        sheet_of(tmp_path, SHEET.encode() + b"\n")


def test_of_two_sheets_the_first_parts_the_file(catalog, album):
    (album / "b.cue").write_text(SHEET.replace("00:16:00", "00:18:00"), encoding="utf-8")
    assert run(catalog, album)[:1] == (3,)
    starts = {segment_of(path).start for _, path in catalog.facts("path")}
    assert starts == {0, 8.493, 16}
