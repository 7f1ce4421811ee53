"""Files that are made to take memory: what is read of them is bounded."""

from __future__ import annotations

import os
import threading
import tracemalloc
import zlib

import pytest

from audiorec.data.playlist_files import entries
from audiorec.exceptions import DataError
from audiorec.id_map import LONGEST
from audiorec.pipeline import Recipe
from audiorec.scan import read_manifest, read_tags

MB = 1 << 20


def synchsafe(n: int) -> bytes:
    return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))


def id3_with(frames: list[tuple[bytes, bytes, bool]]) -> bytes:
    """An ID3v2.4 tag of frames: name, content, and whether it is compressed."""
    body = b""
    for name, content, packed in frames:
        data = synchsafe(len(content)) + zlib.compress(content, 9) if packed else content
        body += name + synchsafe(len(data)) + (b"\0\x09" if packed else b"\0\0") + data
    return b"ID3\x04\0\0" + synchsafe(len(body)) + body


def peak_of(work) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_compressed_frame_that_unpacks_to_much_takes_little(tmp_path):
    song = tmp_path / "bomb.mp3"
    bomb = b"\x03" + b"a" * (64 * MB)
    song.write_bytes(
        id3_with([(b"TIT2", bomb, True), (b"TPE1", b"\x03Sade", True)])
        + (b"\xff\xfb\x90\x64" + bytes(413)) * 40
    )
    found = {}
    assert peak_of(lambda: found.update(read_tags(song))) < 32 * MB
    assert (found["artist"], found["title"]) == ("Sade", "")


def test_a_sparse_playlist_is_not_read(tmp_path):
    playlist = tmp_path / "sparse.m3u"
    with playlist.open("wb") as stream:
        stream.truncate(8 << 30)

    def refused():
        with pytest.raises(DataError, match=r"sparse.m3u has more than 16 MB; "):
            list(entries(playlist))

    assert peak_of(refused) < 40 * MB


def test_a_manifest_is_bounded(tmp_path, monkeypatch):
    manifest = tmp_path / "m.csv"
    with manifest.open("wb") as stream:
        stream.write(b"track_id,path\n")
        stream.truncate(8 << 30)

    def refused():
        with pytest.raises(DataError, match=r"m.csv has more than 256 MB; part it"):
            read_manifest(manifest)

    assert peak_of(refused) < MB
    manifest.write_text("track_id,path\n" + "".join(f"{n},{n}.mp3\n" for n in range(11)))
    assert len(read_manifest(manifest)) == 11
    monkeypatch.setattr("audiorec.data.strict_csv.MOST_ROWS", 10)
    with pytest.raises(DataError, match=r"m.csv has more than 10 rows; part it"):
        read_manifest(manifest)


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
def test_ids_of_a_manifest_are_bounded(tmp_path, length):
    manifest = tmp_path / "m.csv"
    manifest.write_text(f"track_id,path\n{'a' * length},a.mp3\n")
    if length <= LONGEST:
        assert len(read_manifest(manifest)) == 1
    else:
        with pytest.raises(DataError, match=r"has 513 characters in line 2; .*at most 512"):
            read_manifest(manifest)


@pytest.mark.parametrize("read", [lambda file: list(entries(file)), read_manifest, Recipe.load])
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    threading.Timer(2, os.close, [writer]).start()  # whoever waits learns so much later
    with pytest.raises(DataError, match="pipe is no regular file; copy it into one"):
        read(tmp_path / "pipe")
