"""Audio with ranges and true types, covers out of tags, spectrograms, previews."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import mutagen.apev2
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.oggvorbis
import numpy as np
import pytest
import soundfile
from PIL import Image

from audiorec.data.catalog import Catalog, Track
from audiorec.exceptions import AudioError
from audiorec.serve.cover_art import read_cover
from audiorec.serve.cue_parts import cut_part
from audiorec.serve.decode_worker import DecodeWorker
from audiorec.serve.media import content_type, is_playable
from audiorec.serve.preview import PreviewRequest, make_preview
from audiorec.serve.ranges import wanted_range
from audiorec.serve.spectrogram_image import draw_spectrogram

API = "/api/v1"


def path_of(workspace, track_id: str) -> Path:
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return Path(catalog.get(track_id).path)


def picture(form: str = "PNG", size: tuple[int, int] = (900, 700), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 30, 30) if mode == "RGB" else (200, 30, 30, 90)).save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-", 0, 99), ("bytes=10-19", 10, 19), ("bytes=90-500", 90, 99), ("bytes=-7", 93, 99),
     ("bytes=-500", 0, 99)],
)  # fmt: skip
def test_parts_of_a_file(header, first, last):
    assert wanted_range({"range": header}, size=100, etag="e") == (first, last, True)


@pytest.mark.parametrize(
    "header",
    ["", "lines=1-2", "bytes=5-2", "bytes=1-2,5-6", "bytes=a-b", "bytes=-", "bytes=\u0661-2"],
)
def test_a_range_that_is_none_is_passed_over(header):
    assert wanted_range({"range": header}, size=100, etag="e") == (0, 99, False)


def test_parts_beyond_a_file():
    for header in ("bytes=100-", "bytes=1000-2000", "bytes=-0"):
        assert wanted_range({"range": header}, size=100, etag="e") is None
    assert wanted_range({"range": "bytes=0-"}, size=0, etag="e") is None


def test_a_part_of_the_file_as_it_was_is_all_of_the_file_as_it_is():
    part = {"range": "bytes=10-19"}
    known = {"size": 100, "etag": '"e"', "modified": "Sun, 29 Nov 2026 11:00:00 GMT"}
    assert wanted_range({**part, "if-range": "other"}, **known) == (0, 99, False)
    for same in ('"e"', known["modified"]):
        assert wanted_range({**part, "if-range": same}, **known) == (10, 19, True)


def test_audio_is_the_file(client, workspace):
    whole = path_of(workspace, "t03").read_bytes()
    answer = client.get(f"{API}/audio", params={"id": "t03"})
    assert answer.content == whole and answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    part = client.get(f"{API}/audio", params={"id": "t03"}, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    tail = client.get(f"{API}/audio", params={"id": "t03"}, headers={"Range": "bytes=-50"})
    assert tail.content == whole[-50:]
    beyond = {"Range": f"bytes={len(whole)}-"}
    answer = client.get(f"{API}/audio", params={"id": "t03"}, headers=beyond)
    assert answer.status_code == 416 and answer.headers["content-range"] == f"bytes */{len(whole)}"
    stale = {"Range": "bytes=100-199", "If-Range": '"old"'}
    answer = client.get(f"{API}/audio", params={"id": "t03"}, headers=stale)
    assert (answer.status_code, answer.content) == (200, whole)
    assert "content-range" not in answer.headers
    head = client.head(f"{API}/audio", params={"id": "t03"})
    assert head.headers["content-length"] == str(len(whole)) and not head.content
    again = {"If-None-Match": head.headers["etag"]}
    assert client.get(f"{API}/audio", params={"id": "t03"}, headers=again).status_code == 304


def test_audio_of_a_part_of_a_file_is_cut_out(client, workspace):
    path = path_of(workspace, "t03")
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert([Track("cue-2", f"{path}#t=0.500,1.250", artist="A", title="Cut")])
    answer = client.get(f"{API}/audio", params={"id": "cue-2"})
    assert answer.headers["content-type"] == "audio/flac"
    part, sr = soundfile.read(io.BytesIO(answer.content), dtype="float32")
    whole, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(part, whole[sr // 2 : sr * 5 // 4], atol=2**-14)
    beyond = {"Range": f"bytes={len(answer.content)}-"}
    answer = client.get(f"{API}/audio", params={"id": "cue-2"}, headers=beyond)
    assert answer.status_code == 416 and answer.headers["content-range"].startswith("bytes */")
    path.unlink()
    assert client.get(f"{API}/audio", params={"id": "cue-2"}).status_code == 410


def test_a_part_keeps_its_channels_where_libsndfile_reads_the_file(tmp_path, tune, write_audio):
    y = tune(2)
    for suffix, channels in ((".flac", 2), (".m4a", 1)):
        path = write_audio(tmp_path / f"a{suffix}", y)
        part, sr = soundfile.read(io.BytesIO(cut_part(f"{path}#t=0.500,1.250")), always_2d=True)
        assert (part.shape, sr) == ((33_075, channels), 44_100)
        last, _ = soundfile.read(io.BytesIO(cut_part(f"{path}#t=1.500,")))
        assert len(last) / sr == pytest.approx(0.5, abs=0.05)


def test_a_part_of_an_hour_is_not_cut_out(tmp_path, monkeypatch, tune, write_audio):
    monkeypatch.setattr("audiorec.serve.cue_parts.MOST_SECONDS", 1.0)
    path = write_audio(tmp_path / "a.wav", tune(2))
    with pytest.raises(AudioError, match=r"a.wav#t=0.000,1.500 lasts 2 s, too long to be cut out"):
        cut_part(f"{path}#t=0.000,1.500")


def test_only_so_many_parts_are_kept(client, workspace, monkeypatch):
    monkeypatch.setattr("audiorec.serve.cue_parts.CACHED_BYTES", 10)
    work, cut = DecodeWorker.call, []

    async def call(worker, function, *arguments):
        cut.extend(arguments)
        return await work(worker, function, *arguments)

    monkeypatch.setattr(DecodeWorker, "call", call)
    path = path_of(workspace, "t03")
    with Catalog(workspace.catalog) as catalog:
        for number in (1, 2):
            catalog.upsert([Track(f"cue-{number}", f"{path}#t={number - 1}.000,{number}.000")])
    for number in (1, 1, 2, 1):
        assert client.get(f"{API}/audio", params={"id": f"cue-{number}"}).status_code == 200
    assert [path.rpartition(",")[2] for path in cut] == ["1.000", "2.000", "1.000"]


def test_a_file_that_is_gone_says_so(client, workspace):
    path_of(workspace, "t03").unlink()
    path = path_of(workspace, "t04")
    path.unlink()
    path.mkdir()
    pipe = path_of(workspace, "t05")
    pipe.unlink()
    os.mkfifo(pipe)  # which would be waited for
    for track_id in ("t03", "t04", "t05"):
        for what in ("audio", "preview"):
            answer = client.get(f"{API}/{what}", params={"id": track_id})
            assert answer.status_code == 410 and "scan" in answer.json()["detail"]
        assert client.get(f"{API}/cover", params={"id": track_id}).status_code == 404


def test_a_track_without_a_file_has_no_audio(client, workspace):
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(Track("etc", "etc"))
    assert client.get(f"{API}/audio", params={"id": "etc"}).status_code == 410


def test_types_are_those_of_the_formats():
    def track(name: str, form: str = "") -> Track:
        return Track("t", f"/m/{name}", format=form)

    assert content_type(track("a.MP3")) == "audio/mpeg"
    assert content_type(track("a.opus")) == "audio/ogg"
    assert content_type(track("a", "flac")) == "audio/flac"
    assert content_type(track("a.txt")) == "application/octet-stream"
    assert is_playable(track("a.m4a")) and not is_playable(track("a.wma"))


@pytest.fixture
def tagged(tmp_path, tune, write_audio):
    """Files of four formats, each with a cover in its tags."""
    y = tune(1)
    files = [
        write_audio(tmp_path / f"a{suffix}", y) for suffix in (".mp3", ".flac", ".ogg", ".m4a")
    ]
    mp3, flac, ogg, m4a = files
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.APIC(data=b"no picture", type=4, mime="image/png"))
    tags.add(mutagen.id3.APIC(data=picture(), type=3, mime="image/png", desc="front"))
    tags.save(mp3)
    block = mutagen.flac.Picture()
    block.data, block.type, block.mime = picture("JPEG"), 3, "image/jpeg"
    opened = mutagen.flac.FLAC(flac)
    opened.add_picture(block)
    opened.save()
    vorbis = mutagen.oggvorbis.OggVorbis(ogg)
    vorbis["metadata_block_picture"] = [base64.b64encode(block.write()).decode(), "no base64!"]
    vorbis.save()
    mp4 = mutagen.mp4.MP4(m4a)
    mp4["covr"] = [mutagen.mp4.MP4Cover(picture(mode="RGBA"), mutagen.mp4.MP4Cover.FORMAT_PNG)]
    mp4.save()
    return files


def test_covers_are_made_anew_and_bounded(tagged):
    for file in tagged:
        with file.open("rb") as stream:
            cover = read_cover(stream, size=300)
        with Image.open(io.BytesIO(cover.data)) as image:
            assert max(image.size) == 300
            wanted = "image/png" if file.suffix == ".m4a" else "image/jpeg"
            assert (cover.content_type, Image.MIME[image.format]) == (wanted, wanted)


def test_a_cover_is_served_and_only_so_many_are_kept(client, workspace, tagged, monkeypatch):
    read = []

    def reads(stream, *, size):
        read.append(size)
        return read_cover(stream, size=size)

    monkeypatch.setattr("audiorec.serve.image_cache.read_cover", reads)
    with Catalog(workspace.catalog) as catalog:
        for file in tagged:
            catalog.upsert(Track(file.suffix, str(file)))
    for most_bytes, n_read in ((10, 2), (10**6, 1)):
        monkeypatch.setattr("audiorec.serve.image_cache.CACHED_BYTES", most_bytes)
        for file in tagged:
            read.clear()
            for _ in range(2):
                answer = client.get(f"{API}/cover", params={"id": file.suffix, "size": 64})
                assert answer.status_code == 200
                assert answer.headers["content-type"].startswith("image/")
                with Image.open(io.BytesIO(answer.content)) as image:
                    assert max(image.size) == 64
            assert read == [64] * n_read


def test_tags_that_hold_no_list_of_pictures_are_no_covers(tmp_path):
    tags = mutagen.apev2.APEv2()
    tags["covr"] = mutagen.apev2.APEValue(b"abc", mutagen.apev2.BINARY)
    for name, content in (("a.bin", b"no sound"), ("b.mp3", b"ID3\x04\0\0\0\0\0\x7f")):
        (tmp_path / name).write_bytes(content)
        if name == "a.bin":
            tags.save(tmp_path / name)
        with (tmp_path / name).open("rb") as stream:
            assert read_cover(stream, size=300) is None


@pytest.mark.parametrize(
    "data", [b"", b"<svg onload='alert(1)'/>", picture()[:200], picture("PNG", (9000, 9000))]
)
def test_hostile_pictures_are_no_covers(data, tmp_path, tune, write_audio):
    file = write_audio(tmp_path / "a.mp3", tune(1))
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.APIC(data=data, type=3, mime="text/html"))
    tags.save(file)
    with file.open("rb") as stream:
        assert read_cover(stream, size=300) is None


def test_a_spectrogram_shows_high_notes_at_the_top():
    mel = np.full((96, 200), -80, np.float32)
    mel[90:] = 0  # high bands
    with Image.open(io.BytesIO(draw_spectrogram([mel, mel]))) as image:
        pixels = np.asarray(image.convert("L"), dtype=float)
    assert image.size == (400, 96)
    with Image.open(io.BytesIO(draw_spectrogram([mel] * 20))) as image:
        assert image.size == (1200, 96)
    assert pixels[:6].mean() > pixels[6:].mean() + 100


def test_a_preview_is_an_mp3_of_the_part(client, workspace, write_audio):
    quiet_then_loud = np.concatenate([np.zeros(80_000), 0.5 * np.sin(np.arange(80_000) / 5)])
    path = str(path_of(workspace, "t03"))
    write_audio(Path(path), quiet_then_loud.astype("f4"), sr=8000)
    answer = client.get(f"{API}/preview", params={"id": "t03", "seconds": 4})
    assert answer.headers["content-type"] == "audio/mpeg"
    y, sr = soundfile.read(io.BytesIO(answer.content))
    assert len(y) / sr == pytest.approx(4, abs=0.1)
    half = len(y) // 2
    assert abs(y[: half - sr // 4]).max() < 0.01
    assert abs(y[half + sr // 4 :]).max() > 0.3
    late, _ = soundfile.read(io.BytesIO(make_preview(PreviewRequest(path, 19.0, 4.0))))
    assert len(late) / sr == pytest.approx(4, abs=0.1) and abs(late[: sr // 4]).max() > 0.3
    whole, _ = soundfile.read(io.BytesIO(make_preview(PreviewRequest(path, None, 60.0))))
    assert len(whole) / sr == pytest.approx(20, abs=0.1)
    path_of(workspace, "t04").write_bytes(b"RIFF no sound at all")
    assert client.get(f"{API}/preview", params={"id": "t04"}).status_code == 422
