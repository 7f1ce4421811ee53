"""Check for truncated audio files, without decoding them.

A decoder takes a truncated file for a short whole one, or trusts the length in its header. Every
check here costs a few reads, in FLAC a seek, as a scan checks every file.
"""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import BinaryIO, Literal

import soundfile

from audiorec.audio.mpeg_frames import (
    SLACK_FRAMES,
    UNKNOWN_LENGTH,
    Frames,
    LengthTag,
    read_unsigned,
)
from audiorec.audio.ogg_pages import LAST_PAGE
from audiorec.audio.ogg_pages import MAGIC as OGG
from audiorec.audio.substream import Substream, size_of
from audiorec.exceptions import AudioError
from audiorec.printable_text import one_line

TTA_HEAD = 22  # bytes before the lengths of the frames
OGG_PAGE = 65_307  # bytes, the longest page
FLAC_TAIL_SECONDS = 0.1  # about a frame: less than this is not missed at the end
MP4_FIRST = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
MP4_SOUND = {b"mdat", b"moov", b"moof"}
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
EBML_HEADER, EBML_SEGMENT = bytes.fromhex("1a45dfa3"), bytes.fromhex("18538067")


def check_sndfile(path: Path, file: soundfile.SoundFile) -> None:
    """Raise `AudioError` if a file opened by libsndfile is truncated.

    Parameters
    ----------
    path : Path
    file : soundfile.SoundFile
        Its position is changed.
    """
    if file.format == "OGG":
        check_ogg(path)
    if file.format == "FLAC":
        _check_flac(path, file)
    else:
        _check_log(path, file)


def check_ogg(path: Path) -> None:
    """Raise `AudioError` if the last page of an Ogg file does not end its stream."""
    if not _ogg_ends(path):
        raise _cut_off(path, "the last Ogg page does not end the stream")


def check_mpeg(path: Path, tag: LengthTag | None, frames: Frames, *, size: int) -> None:
    """Raise `AudioError` if an MP3 is shorter than its first frame claims (Xing, Info or VBRI).

    The claim may be wrong, and is ignored where as many frames exist, or the last one is whole and
    followed by nothing but tags.

    Parameters
    ----------
    path : Path
    tag : LengthTag or None
    frames : Frames
    size : int
        Bytes of the file.
    """
    if tag is None or not tag.n_bytes or not tag.n_frames or frames.ends_whole:
        return
    there, n_frames = size - tag.start, sum(len(run.starts) for run in frames.runs)
    if there < tag.n_bytes - tag.slack and n_frames < tag.n_frames - SLACK_FRAMES:
        raise _cut_off(path, f"{there} of {tag.n_bytes} bytes of sound are there")


def check_container(path: Path, stream: BinaryIO | Substream) -> None:
    """Raise `AudioError` if a file that FFmpeg reads is shorter than it claims.

    MP4, ASF, Matroska, Ogg, RIFF (WAV and AVI), CAF, WavPack, TTA, DSF and DSDIFF hold their
    length.

    Parameters
    ----------
    path : Path
    stream : BinaryIO
        The file; its position is changed.
    """
    size = size_of(stream)
    stream.seek(0)
    head = stream.read(64)
    if head[4:8] in MP4_FIRST:
        promised = _mp4_end(stream, size)
    elif head.startswith(ASF_HEADER):
        promised = _asf_end(stream, size)
    elif head.startswith(EBML_HEADER):
        promised = _matroska_end(head)
    elif head.startswith(OGG):
        check_ogg(path)
        return
    elif head.startswith(b"RIFF"):
        promised = _chunks_end(stream, size, at=12, order="little", width=4)
    elif head.startswith(b"caff"):
        promised = _chunks_end(stream, size, at=8, order="big", width=8)
    elif head.startswith(b"wvpk"):
        promised = _wavpack_end(stream, size)
    elif head.startswith(b"TTA1"):
        promised = _tta_end(stream, head)
    elif head.startswith(b"DSD "):
        promised = int.from_bytes(head[12:20], "little")
    elif head.startswith(b"FRM8"):
        promised = 12 + read_unsigned(head, 4, 8)
    else:
        return
    if size < promised:
        raise _cut_off(path, f"{size} of {promised} bytes are there")


def check_adts(path: Path, frame: bytes) -> None:
    """Raise if the last frame of a raw AAC file is shorter than in its header (ISO 13818-7, 6.2).

    The number of frames is stored nowhere: a file cut between two frames looks whole.
    """
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF0 != 0xF0:
        return  # no frame: some tag
    promised = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    if len(frame) < promised:
        raise _cut_off(path, f"{len(frame)} of {promised} bytes of the last frame are there")


def _cut_off(path: Path, how: str) -> AudioError:
    return AudioError(one_line(f"{path} is cut off: {how}; copy it again"))


def _ogg_ends(path: Path) -> bool:
    """Whether the last page of an Ogg file carries the flag that ends its stream (RFC 3533)."""
    with path.open("rb") as stream:
        stream.seek(-min(OGG_PAGE, path.stat().st_size), os.SEEK_END)
        tail = stream.read()
    page = tail.rfind(OGG)
    return page >= 0 and len(tail) > page + 5 and bool(tail[page + 5] & LAST_PAGE)


def _check_log(path: Path, file: soundfile.SoundFile) -> None:
    """Raise if a header of WAV, AIFF or AU claims more bytes, by libsndfile's log alone."""
    failure = re.search(
        r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*:\s*(\d+) \(should be (\d+)\)",
        file.extra_info,
        re.MULTILINE,
    )
    if failure is None:
        return
    promised, there = map(int, failure.groups())
    if there < promised < UNKNOWN_LENGTH:
        raise _cut_off(path, f"{there} of {promised} bytes of sound are there")


def _check_flac(path: Path, file: soundfile.SoundFile) -> None:
    """Raise unless a seek to the end that STREAMINFO claims finds a frame."""
    tail = round(FLAC_TAIL_SECONDS * file.samplerate)
    try:
        file.seek(max(0, file.frames - tail))
    except soundfile.SoundFileError:
        seconds = file.frames / file.samplerate
        raise _cut_off(path, f"the end of its {seconds:.1f} s is missing") from None


def _mp4_end(stream: BinaryIO | Substream, size: int) -> int:
    """End of the boxes that hold audio or its index (ISO 14496-12, 4.2)."""
    at = 0
    while at + 8 <= size:
        stream.seek(at)
        head = stream.read(16)
        length, kind = read_unsigned(head, 0, 4), head[4:8]
        if length == 1:
            length = read_unsigned(head, 8, 8)
        if kind in MP4_SOUND and at + length > size:
            return at + length
        if length < 8:  # to the end of the file, or no box
            break
        at += length
    return 0


def _asf_end(stream: BinaryIO | Substream, size: int) -> int:
    """End of the audio packets; 0 where it was unknown to the encoder."""
    stream.seek(16)
    at = int.from_bytes(stream.read(8), "little")
    if at > size:
        return at
    stream.seek(at)
    head = stream.read(24)
    return at + int.from_bytes(head[16:], "little") if head.startswith(ASF_DATA) else 0


def _matroska_end(head: bytes) -> int:
    """End of the segment (RFC 8794, 4 to 6); 0 where it was unknown to the encoder."""
    length, at = _vint(head, 4)
    at += length
    if head[at : at + 4] != EBML_SEGMENT:
        return 0
    length, at = _vint(head, at + 4)
    return at + length if length else 0


def _chunks_end(
    stream: BinaryIO | Substream,
    size: int,
    *,
    at: int,
    order: Literal["little", "big"],
    width: int,
) -> int:
    """End of the chunk that holds the audio; 0 where it was unknown to the encoder."""
    while at + 4 + width <= size:
        stream.seek(at)
        head = stream.read(12 + width)
        length = int.from_bytes(head[4 : 4 + width], order)
        name, kind, at = head[:4], head[4 + width : 8 + width], at + 4 + width
        if name == b"data" or (name == b"LIST" and kind == b"movi"):
            return at + length if length < UNKNOWN_LENGTH else 0
        at += length + (length % 2 if width == 4 else 0)
    return 0


def _wavpack_end(stream: BinaryIO | Substream, size: int) -> int:
    """End of the last block, or the start of one whose samples are missing."""
    at, total, reached = 0, 0, 0
    while True:
        stream.seek(at)
        head = stream.read(32)
        if len(head) < 32 or not head.startswith(b"wvpk"):
            return size + 1 if reached < total else at
        length, total, first, samples = struct.unpack("<4xI4xIII", head[:24])
        at, reached = at + 8 + length, first + samples
        total = total if total < 2**32 - 1 else 0
        if at > size:
            return at


def _tta_end(stream: BinaryIO | Substream, head: bytes) -> int:
    """End of the last frame, by the lengths of all frames in the header."""
    sr, samples = struct.unpack_from("<II", head, 10)
    frames = -(-samples * 245 // (256 * sr)) if sr else 0
    stream.seek(TTA_HEAD)
    lengths = stream.read(4 * frames)
    return TTA_HEAD + 4 * frames + 4 + sum(struct.unpack(f"<{len(lengths) // 4}I", lengths))


def _vint(head: bytes, at: int) -> tuple[int, int]:
    """A number of variable width, 0 where it stands for an unknown one, and its end."""
    width = 9 - head[at].bit_length() if at < len(head) else 9
    if width > 8 or at + width > len(head):
        return 0, at
    marker = 1 << 7 * width
    value = read_unsigned(head, at, width) - marker
    return (0 if value == marker - 1 else value), at + width
