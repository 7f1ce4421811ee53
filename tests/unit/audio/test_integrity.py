"""What containers promise, and the files that do not keep it."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from audiorec.audio.integrity import check_adts, check_container
from audiorec.exceptions import AudioError

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
EBML = bytes.fromhex("1a45dfa3")
SEGMENT = bytes.fromhex("18538067")


def box(kind: bytes, length: int, *, long: bool = False) -> bytes:
    """The head of a box of MP4 whose whole has this length."""
    if long:
        return struct.pack(">I4sQ", 1, kind, length)
    return struct.pack(">I4s", length, kind)


FTYP = box(b"ftyp", 16) + bytes(8)
PROMISES = {
    "mp4": (FTYP + box(b"mdat", 984), 1000),
    "mp4 of more than 4 GB": (FTYP + box(b"mdat", 984, long=True), 1000),
    "asf that breaks off in its header": (ASF + struct.pack("<Q", 1000), 1000),
    "matroska": (EBML + b"\x82ab" + SEGMENT + b"\x43\xdb", 1000),
    "dsf": (b"DSD " + struct.pack("<QQ", 28, 1000), 1000),
    "dsdiff": (b"FRM8" + struct.pack(">Q", 988), 1000),
}
NO_PROMISES = {
    "mp4 whose last box goes on to the end": FTYP + box(b"mdat", 0),
    "mp4 without sound": FTYP + box(b"free", 5000),
    "matroska that was streamed": EBML + b"\x82ab" + SEGMENT + b"\x01" + b"\xff" * 7,
    "matroska without a segment": EBML + b"\x82ab" + b"\xec\x82ab",
    "matroska that ends in a number": EBML + b"\x01\x00",
    "matroska with a number that is none": EBML + b"\x00" * 20,
    "asf that was streamed": ASF + struct.pack("<Q", 60) + bytes(90),
    "another": b"of no kind" * 10,
    "nothing": b"",
}


def check(content: bytes) -> None:
    check_container(Path("a.bin"), io.BytesIO(content))


@pytest.mark.parametrize("name", PROMISES)
def test_a_file_is_as_long_as_it_says(name):
    head, promised = PROMISES[name]
    check(head.ljust(promised, b"\0"))
    for size in (len(head), promised - 1):
        with pytest.raises(
            AudioError, match=f"a.bin is cut off: {max(size, 64)} of {promised} bytes are there"
        ):
            check(head.ljust(max(size, 64), b"\0"))


@pytest.mark.parametrize("name", NO_PROMISES)
def test_what_says_nothing_is_not_refused(name):
    check(NO_PROMISES[name])


@pytest.mark.parametrize("n", [7, 299, 300])
def test_the_last_frame_of_raw_aac(n):
    """Its length stands in 13 bits; a tag behind it is no frame."""
    length = 300
    frame = bytes([0xFF, 0xF1, 0x50, length >> 11, length >> 3 & 0xFF, (length & 7) << 5, 0])
    if n == length:
        check_adts(Path("a.aac"), frame.ljust(n, b"\0"))
    else:
        with pytest.raises(AudioError, match="a.aac is cut off"):
            check_adts(Path("a.aac"), frame.ljust(n, b"\0"))
    check_adts(Path("a.aac"), b"TAG".ljust(n, b"\0"))
    check_adts(Path("a.aac"), frame[:6])
