"""Frames of MPEG audio (MP1, MP2, MP3): their number and their positions.

The length in a header may be missing or wrong; the frames themselves always give it
(ISO 11172-3, 2.4.1.3 and 2.4.2.3; ISO 13818-3 for the lower rates).
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from audiorec.audio.source import Bytes

HEAD = 4096  # bytes behind the tags that are searched for a frame with the length
# Xing's tag follows the side information: 4 bytes of header and 9, 17 or 32 of it (ISO 11172-3),
# and two more where there is a checksum. Fraunhofer's is always 36 bytes into the frame.
XING = re.compile(rb"\xff[\xe0-\xff](?:.{11}|.{13}|.{19}|.{21}|.{34}|.{36})(Xing|Info)", re.S)
VBRI = re.compile(rb"\xff[\xe0-\xff].{34}VBRI", re.S)
LAME_BYTES = 36  # of LAME's part of the tag, after the table of contents and the quality
# Streams are written with a length that is not known yet: 0, or as large as possible.
UNKNOWN_LENGTH = 2**31 - 2**16
ID3V1_BYTES = 128
SLACK_FRAMES = 2  # encoders disagree on whether the frame with the tag is counted
LOOKS = 32  # positions at which a file is tested for a constant bit rate
LONGEST_FRAME = 2881  # bytes
AGREEING = 3  # frames in a row that distinguish a stream from bytes that resemble a header
TRAILERS = (b"TAG", b"APETAGEX", b"LYRICS", b"ID3", b"3DI")

KBPS = {
    # (MPEG-1, layer): kbit/s by index
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


class StreamFormat(NamedTuple):
    """Format shared by the frames of a stream: layer, sampling rate, samples per frame."""

    layer: int
    sr: int
    samples: int


def _frame_table() -> tuple[dict[int, int], dict[int, StreamFormat]]:
    """Bytes and kind of a frame by the first three bytes of its header.

    Free bit rates are not among them, as the lengths of their frames are stored nowhere.
    """
    sizes, kinds = {}, {}
    for key in range(0xFFE000, 0x1000000):
        version, layer = key >> 11 & 3, 4 - (key >> 9 & 3)
        rate, place, padding = key >> 4 & 15, key >> 2 & 3, key >> 1 & 1
        if version == 1 or layer == 4 or rate in (0, 15) or place == 3:
            continue
        sr = RATES[version][place]
        bits = KBPS[version == 3, layer][rate] * 1000
        samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
        if layer == 1:
            sizes[key] = (12 * bits // sr + padding) * 4
        else:
            sizes[key] = samples // 8 * bits // sr + padding
        kinds[key] = StreamFormat(layer, sr, samples)
    return sizes, kinds


SIZES, KINDS = _frame_table()
HEADER = struct.Struct(">I").unpack_from
PADDING = 0x200  # bit of the header of a frame with one more byte
RATE_BITS = 0xFFFEFC00  # sync, version, layer, bit rate and sampling rate
MONO = 0xC0  # bits of the header that are all set with one channel


class LengthTag(NamedTuple):
    """Length of a stream as its first frame has it (Xing, Info or VBRI); 0 for what it lacks.

    Attributes
    ----------
    start : int
        First byte of the frame.
    n_bytes, n_frames : int
    checked : bool
        Whether the frame has LAME's checksum, and it is right.
    """

    start: int
    n_bytes: int
    n_frames: int
    checked: bool

    @property
    def slack(self) -> float:
        """Number of bytes that encoders count differently."""
        return SLACK_FRAMES * self.n_bytes / max(1, self.n_frames)

    def fits(self, size: int) -> bool:
        """Whether the length can be trusted in a file of so many bytes."""
        off = abs(size - self.start - self.n_bytes)
        return self.checked and self.n_frames > 0 and off <= self.slack + ID3V1_BYTES


class FrameRun(NamedTuple):
    """Consecutive frames of one kind and number of channels.

    Attributes
    ----------
    kind : StreamFormat
    channels : int
    starts : list of int
        First byte of each frame.
    """

    kind: StreamFormat
    channels: int
    starts: list[int]

    @property
    def seconds(self) -> float:
        """Duration, s."""
        return len(self.starts) * self.kind.samples / self.kind.sr


class Frames(NamedTuple):
    """Every frame of a file.

    Attributes
    ----------
    runs : list of FrameRun
    ends_whole : bool
        Whether the last frame is complete, and followed by nothing but tags.
    """

    runs: list[FrameRun]
    ends_whole: bool

    @property
    def seconds(self) -> float:
        """Duration, s."""
        return sum(run.seconds for run in self.runs)


def tags_end(data: Bytes) -> int:
    """Bytes of the ID3v2 tags at the start of a file.

    Parameters
    ----------
    data : bytes-like
    """
    start = 0
    while (head := data[start : start + 10])[:3] == b"ID3" and len(head) == 10:
        length = sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(head[6:]))
        start += 10 + length + (10 if head[5] & 0x10 else 0)
    return start


def length_tag(data: Bytes) -> LengthTag | None:
    """Read the length of a stream from its first frame; None where it has none.

    Parameters
    ----------
    data : bytes-like
    """
    begin = tags_end(data)
    head = bytes(data[begin : begin + HEAD])
    if tag := XING.search(head):
        at, flags = tag.end() + 4, read_unsigned(head, tag.end(), 4)
        n_frames = read_unsigned(head, at, 4) if flags & 1 else 0
        at += 4 if flags & 1 else 0
        n_bytes = read_unsigned(head, at, 4) if flags & 2 else 0
        at += (4 if flags & 2 else 0) + (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
        at += LAME_BYTES - 2
        frame, n_stated = head[tag.start() : at], read_unsigned(head, at, 2)
        # FFmpeg takes it to follow as many bytes as with two channels.
        longer = (frame + bytes(2) + head[at + 2 :])[:190]
        is_checked = n_stated != 0 and n_stated in (_crc16(frame), _crc16(longer))
    elif tag := VBRI.search(head):
        n_bytes, n_frames = (read_unsigned(head, tag.end() + place, 4) for place in (6, 10))
        is_checked = False
    else:
        return None
    known = 0 < n_bytes < UNKNOWN_LENGTH
    return LengthTag(begin + tag.start(), n_bytes if known else 0, n_frames, is_checked)


def find_frames(data: Bytes) -> Frames:
    """Find all frames of a file, but for one that only holds the length.

    Parameters
    ----------
    data : bytes-like
        The file.
    """
    end, at = len(data), tags_end(data)
    tag = length_tag(data)
    runs: list[FrameRun] = []
    run: FrameRun | None = None
    sizes: dict[int, int] = {}
    ends_whole = False
    while at + 4 <= end:
        (head,) = HEADER(data, at)
        size = sizes.get(head >> 8)
        if size is None or run is None or (head & MONO == MONO) != (run.channels == 1):
            size = SIZES.get(head >> 8)
            # A frame of another kind begins a run if more follow it: damage looks like a single
            # one.
            if size is None or not _agree(data, at):
                ends_whole = ends_whole and bytes(data[at : at + 8]).startswith(TRAILERS)
                at = _next_frame(data, at + 1)
                continue
            kind = KINDS[head >> 8]
            sizes = {key: SIZES[key] for key in SIZES if KINDS[key] == kind}
            run = FrameRun(kind, 1 if head & MONO == MONO else 2, [])
            runs.append(run)
        if tag is None or at != tag.start:
            run.starts.append(at)
        at += size
        ends_whole = at <= end
        if at + 4 > end:
            ends_whole = at == end
    return Frames([run for run in runs if run.starts], ends_whole)


def constant_seconds(data: Bytes) -> float:
    """Duration of a file of constant bit rate by its bytes, s; 0 where sampled frames differ.

    Parameters
    ----------
    data : bytes-like
        The file; frames are sampled at `LOOKS` positions all over it.
    """
    begin, end = tags_end(data), len(data)
    if data[max(begin, end - ID3V1_BYTES) : end][:3] == b"TAG":
        end -= ID3V1_BYTES
    rates: set[int] = set()
    for number in range(LOOKS):
        place = begin + (end - begin - LONGEST_FRAME) * number // LOOKS
        at = _next_frame(data, place)
        for _ in range(AGREEING):
            if at - place > 4 * LONGEST_FRAME or at + 4 > end:
                return 0.0
            (head,) = HEADER(data, at)
            if head >> 8 not in SIZES:
                return 0.0
            rates.add(head & ~PADDING & RATE_BITS)
            at += SIZES[head >> 8]
    if len(rates) > 1:
        return 0.0
    (head,) = rates
    version, layer = head >> 19 & 3, 4 - (head >> 17 & 3)
    return 8 * (end - begin) / (1000 * KBPS[version == 3, layer][head >> 12 & 15])


def _agree(data: Bytes, at: int) -> bool:
    """Whether a frame is followed by others of its kind, up to the end of the file."""
    kind = KINDS.get(HEADER(data, at)[0] >> 8)
    for _ in range(AGREEING):
        if at + 4 > len(data):
            return True
        head = HEADER(data, at)[0] >> 8
        if KINDS.get(head) != kind:
            return bytes(data[at : at + 8]).startswith(TRAILERS)
        at += SIZES[head]
    return True


def _next_frame(data: Bytes, at: int) -> int:
    """First byte from `at` on where a run of frames begins; the file's end where none does."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        if HEADER(data, at)[0] >> 8 in SIZES and _agree(data, at):
            return at
        at += 1
    return len(data)


def read_unsigned(content: bytes, at: int, width: int) -> int:
    """An unsigned integer of `width` bytes, big-endian."""
    return int.from_bytes(content[at : at + width], "big")


def _crc16(content: bytes) -> int:
    """CRC-16 as LAME's tag has it (polynomial 0x8005, reflected)."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
