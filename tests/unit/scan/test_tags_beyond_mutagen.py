"""Tags of formats that keep them in their own way; every file is made here."""

from __future__ import annotations

import struct

import av
import mutagen.apev2
import pytest

from audiorec.scan import read_tags

NAMES = {"artist": "Björk", "title": "Jóga", "album": "Homogenic", "genre": "Pop", "year": 1997,
         "number": 2}  # fmt: skip


def named(file):
    """What `NAMES` has of a file's tags."""
    return {key: value for key, value in read_tags(file).items() if key in NAMES}


def chunk(name: bytes, data: bytes, order: str = "<") -> bytes:
    return name + struct.pack(f"{order}I", len(data)) + data + b"\0" * (len(data) % 2)


LYRICS = b"LYRICSBEGIN" + b"IND0000210"
ID3V1 = b"TAG" + b"Joga of thirty letters at most".ljust(124, b"\0") + b"\xff"


@pytest.mark.parametrize(
    "behind",
    [b"", b"TAG" + bytes(124) + b"\xff", ID3V1, LYRICS + b"%06dLYRICS200" % len(LYRICS) + ID3V1],
)
@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".wav"])
def test_ape(tmp_path, tune, write_audio, suffix, behind):
    file = write_audio(tmp_path / f"a{suffix}", tune(1, 44100, 1))
    tags = mutagen.apev2.APEv2()
    tags.update({"Artist": "Björk", "Title": "Jóga", "Album": "Homogenic", "Genre": "Pop",
                 "Year": "1997", "Track": "2/10"})  # fmt: skip
    tags.save(file)
    file.write_bytes(file.read_bytes() + behind)
    assert named(file) == NAMES


def test_riff_info(tmp_path, tune, write_audio):
    file = write_audio(tmp_path / "a.wav", tune(1, 8000, 1), sr=8000)
    said = [(b"IART", "Björk"), (b"INAM", "Jóga"), (b"IPRD", "Homogenic"), (b"IGNR", "Pop"),
            (b"ICRD", "1997-09-01"), (b"ITRK", "2")]  # fmt: skip
    body = b"INFO" + b"".join(chunk(name, f"{text}\0".encode("cp1252")) for name, text in said)
    data = bytearray(file.read_bytes() + chunk(b"LIST", body))
    data[4:8] = struct.pack("<I", len(data) - 8)
    file.write_bytes(data)
    assert named(file) == NAMES


def test_aiff_text(tmp_path, tune, write_audio):
    file = write_audio(tmp_path / "a.aiff", tune(1, 8000, 1), sr=8000)
    data = bytearray(file.read_bytes())
    data += chunk(b"NAME", "Jóga".encode(), ">") + chunk(b"AUTH", "Björk".encode(), ">")
    data[4:8] = struct.pack(">I", len(data) - 8)
    file.write_bytes(data)
    found = read_tags(file)
    assert (found["artist"], found["title"]) == ("Björk", "Jóga")


@pytest.mark.parametrize("suffix", [".mka", ".webm"])
def test_matroska(tmp_path, suffix):
    file = tmp_path / f"a{suffix}"
    with av.open(str(file), "w", format=suffix[1:].replace("mka", "matroska")) as out:
        out.metadata.update({"ARTIST": "Björk", "title": "Jóga", "ALBUM": "Homogenic",
                             "GENRE": "Pop", "DATE": "1997", "track": "2"})  # fmt: skip
        stream = out.add_stream("libopus", rate=48000, layout="mono")
        frame = av.AudioFrame(format="flt", layout="mono", samples=960)
        frame.sample_rate, frame.pts = 48000, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert named(file) == NAMES


def test_torn_tags_are_none(tmp_path):
    for number, data in enumerate([
        b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\x7fINFOIART", b"FORM\0\0\0\0AIFFNAME\xff\xff\xff\xff",
        b"\x1a\x45\xdf\xa3\xff" * 50, b"x" * 40 + b"APETAGEX" + b"\xff" * 24,
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\0" * 40,
    ]):  # fmt: skip
        (tmp_path / str(number)).write_bytes(data)
        assert read_tags(tmp_path / str(number))["artist"] == ""


def ebml(name: str, *parts: bytes) -> bytes:
    """An element of Matroska."""
    body = b"".join(parts)
    return bytes.fromhex(name) + (1 << 28 | len(body)).to_bytes(4, "big") + body


def matroska(*levels: tuple[int, str]) -> bytes:
    """A file with a title for each level of tags, after its own."""
    tags = [
        ebml("7373", ebml("63c0", ebml("68ca", bytes([level]))),
             ebml("67c8", ebml("45a3", b"TITLE"), ebml("4487", title.encode())))
        for level, title in levels
    ]  # fmt: skip
    info = ebml("1549a966", ebml("7ba9", b"The file"))
    return ebml("1a45dfa3") + ebml("18538067", info, ebml("1254c367", *tags))


def test_matroska_levels(tmp_path):
    """A title of an album is the album's; one of a track stands over that of the file."""
    file = tmp_path / "a.mka"
    file.write_bytes(matroska((50, "Homogenic"), (30, "Jóga")))
    assert named(file) == {"title": "Jóga", "album": "Homogenic"} | dict.fromkeys(
        ("artist", "genre"), ""
    ) | {"year": None, "number": None}  # fmt: skip
    file.write_bytes(matroska((50, "Homogenic")))
    assert (read_tags(file)["title"], read_tags(file)["album"]) == ("The file", "Homogenic")


def test_matroska_that_ends_anywhere(tmp_path):
    """What is whole before the end is read, and nothing else."""
    whole, file = matroska((30, "Jóga")), tmp_path / "a.mka"
    titles = []
    for end in range(len(whole)):
        file.write_bytes(whole[:end])
        titles.append(read_tags(file)["title"])
    assert "The file" in titles
    assert all("The file".startswith(t) or "Jóga".startswith(t.rstrip("Ã")) for t in titles)


def test_ape_items_that_are_cut(tmp_path):
    """Those before the damage are kept."""
    file = tmp_path / "a.mp3"
    items = [struct.pack("<II", 5, 0) + b"Title\0" + b"Roads"]
    for count, torn in ((2, b""), (2, struct.pack("<II", 99, 0) + b"Artist\0" + b"x" * 9)):
        body = b"".join([*items, torn])
        footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(body) + 32, count, 0) + bytes(8)
        file.write_bytes(b"\0" * 64 + body + footer)
        assert (read_tags(file)["title"], read_tags(file)["artist"]) == ("Roads", "")
