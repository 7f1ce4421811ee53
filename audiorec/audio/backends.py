"""Open a file of any audio format: choose what decodes it.

The format is told by a file's content, never by its suffix.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import soundfile

from audiorec.audio.fallback_source import FallbackSource
from audiorec.audio.file_part_source import SegmentSource
from audiorec.audio.integrity import check_container, check_mpeg, check_ogg, check_sndfile
from audiorec.audio.joined_source import JoinedSource
from audiorec.audio.mpeg_frames import constant_seconds, find_frames, length_tag, tags_end
from audiorec.audio.mpeg_source import MpegSource
from audiorec.audio.ogg_pages import MAGIC as OGG
from audiorec.audio.ogg_pages import OPUS_RATE, StreamSpan, find_links, is_damaged
from audiorec.audio.pyav_source import open_by_ffmpeg
from audiorec.audio.sndfile_source import QUIET, SequentialFile, SndfileSource
from audiorec.audio.source import Bytes, Source, file_error
from audiorec.audio.substream import Substream, size_of
from audiorec.data import segment_of
from audiorec.exceptions import AudioError

# Magic bytes, by offset, of formats other than MP3 that may carry an ID3v2 tag in front.
FOREIGN = {
    0: (b"fLaC", OGG, b"RIFF", b"RF64", b"FORM", b"caff", b"wvpk", b"MAC ", b"TTA1", b"MPCK",
        b"MP+", b"DSD ", b"tBaK", b"\x30\x26\xb2\x75", b"\x1a\x45\xdf\xa3"),
    4: (b"ftyp",),
}  # fmt: skip
HEAD_BYTES = 12
SEEK_SECONDS = 0.1  # that decoders of Ogg read before a sample (Opus: 80 ms)
# A length that differs from that of the frames by more than this is rejected: 1 %, or padding.
LENGTH_SHARE, LENGTH_SECONDS = 0.01, 0.1


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a recording by libsndfile, else by PyAV; of a path of a `FilePart`, that part of it.

    Raises
    ------
    AudioError
        If it cannot be opened, is not a regular file, is empty or not audio.
    """
    segment = segment_of(str(path))
    file = path if segment is None else Path(segment.file)
    with _opened(file) as stream, ExitStack() as stack:
        source = _open(file, stream, stack)
        yield source if segment is None else SegmentSource(source, segment)


def _open(path: Path, stream: BinaryIO, stack: ExitStack) -> Source:
    start, head = recording_start(stream)
    part = Substream(stream, start, size_of(stream)) if start else stream
    data: Bytes = b""
    links: list[StreamSpan] = []
    if head.startswith(OGG):
        data = _mapped(stream, stack)
        links = find_links(data, start=start)
    if len(links) > 1 and (parts := _links(path, stream, data, links, stack)):
        check_ogg(path)
        return JoinedSource(parts)
    opened = _of_libsndfile(path, part, stack)
    if opened is None:
        check_container(path, part)
        return _by_ffmpeg(path, part, stack)()
    source, file = opened
    if file.format == "MP3":
        return _of_mpeg(path, source, _mapped(stream, stack))
    with QUIET:
        check_sndfile(path, file)
    if file.format == "CAF":
        check_container(path, part)
    damage = _damage_check(data, links[0], file) if links else None
    return FallbackSource(source, _by_ffmpeg(path, part, stack), damage)


def _links(
    path: Path, stream: BinaryIO, data: Bytes, links: Sequence[StreamSpan], stack: ExitStack
) -> list[Source]:
    """Each link of an Ogg file as a recording; none where one of them cannot be read alone."""
    parts: list[Source] = []
    for link in links:
        window = Substream(stream, link.start, link.stop)
        opened, by_ffmpeg = _of_libsndfile(path, window, stack), _by_ffmpeg(path, window, stack)
        try:
            parts.append(
                by_ffmpeg()
                if opened is None
                else FallbackSource(opened[0], by_ffmpeg, _damage_check(data, link, opened[1]))
            )
        except AudioError:
            return []
    return parts


def _by_ffmpeg(path: Path, part: BinaryIO | Substream, stack: ExitStack) -> Callable[[], Source]:
    def opened() -> Source:
        part.seek(0)
        return stack.enter_context(open_by_ffmpeg(path, part))

    return opened


def _damage_check(
    data: Bytes, link: StreamSpan, file: SequentialFile
) -> Callable[[Sequence[int], int], bool]:
    """Make a test for lost pages under the clips of an Ogg file."""
    rate = OPUS_RATE if file.subtype == "OPUS" else file.samplerate
    scale = rate / file.samplerate

    def found(starts: Sequence[int], n: int) -> bool:
        return any(
            is_damaged(
                data, link, start=int(at * scale - SEEK_SECONDS * rate), stop=int((at + n) * scale)
            )
            for at in starts
        )

    return found


def recording_start(stream: BinaryIO) -> tuple[int, bytes]:
    """Find the first byte of a recording behind tags of another format, and its first bytes."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    start = 0
    while head.startswith(b"ID3"):
        stream.seek(start)
        length = tags_end(head[:10])
        if not length:
            break
        start += length
        stream.seek(start)
        head = stream.read(HEAD_BYTES)
    foreign = any(head.startswith(magics, at) for at, magics in FOREIGN.items())
    return (start if foreign else 0), head


def _mapped(stream: BinaryIO, stack: ExitStack) -> mmap.mmap:
    return stack.enter_context(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _of_libsndfile(
    path: Path, stream: BinaryIO | Substream, stack: ExitStack
) -> tuple[SndfileSource, SequentialFile] | None:
    """Open by libsndfile; None if it cannot, cannot seek, or does not know the length.

    It estimates the length of MP3 within WAV from the bit rate of the first frames.
    """
    try:
        stream.seek(0)
        with QUIET:
            # By descriptor: no race with the checks above, and no name that could mislead.
            at = stream if isinstance(stream, Substream) else stream.fileno()
            file = SequentialFile(at, closefd=False)
    except (soundfile.SoundFileError, TypeError, ValueError):
        return None
    is_guess = file.format != "MP3" and file.subtype.startswith("MPEG")
    if not 0 < file.frames < 2**62 or is_guess or not file.seekable():
        file.close()
        return None
    stack.enter_context(file)
    return SndfileSource(path, file), file


def _of_mpeg(path: Path, source: Source, data: mmap.mmap) -> Source:
    """Open an MP3 by libsndfile where its length is right, else frame by frame.

    The length in the first frame is trusted where LAME's checksum of it holds and the file has that
    many bytes. Without one, the number of bytes is trusted where frames all over the file have one
    bit rate. Otherwise all frames are counted, which costs some ms.
    """
    tag = length_tag(data)
    if tag is not None and tag.fits(len(data)):
        return FallbackSource(source, lambda: MpegSource(data, find_frames(data)))
    if tag is None and _is_near(source.info.duration, constant_seconds(data)):
        return FallbackSource(source, lambda: MpegSource(data, find_frames(data)))
    frames = find_frames(data)
    check_mpeg(path, tag, frames, size=len(data))
    if not frames.runs:
        return source
    if len(frames.runs) > 1 or not _is_near(source.info.duration, frames.seconds):
        return MpegSource(data, frames)
    return FallbackSource(source, lambda: MpegSource(data, frames))


def _is_near(seconds: float, true: float) -> bool:
    return abs(seconds - true) <= max(LENGTH_SECONDS, LENGTH_SHARE * true)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe or a device must not be waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise file_error(path, f"cannot be opened: {reason}", _remedy(error)) from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise file_error(path, "is a directory", "name an audio file")
        if not stat.S_ISREG(status.st_mode):
            raise file_error(path, "is a pipe or a device", "name an audio file")
        if status.st_size == 0:
            raise file_error(path, "is empty (0 bytes)", "copy it again")
        with open(descriptor, "rb", buffering=0, closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def _remedy(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "give yourself permission to read it"
    if isinstance(error, FileNotFoundError):
        return "check the path"
    return "check the file and its links"
