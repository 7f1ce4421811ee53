"""Detection of binary files, by their first bytes, and of special files."""

from __future__ import annotations

from pathlib import Path

SPECTROGRAM = ".npy"
"""Suffix of a spectrogram, which replaces audio where a data set has none."""
MAGIC = (
    (b"PK\x03\x04", "a zip archive or a workbook; unpack it, or save its table as CSV"),
    (b"PK\x05\x06", "an empty zip archive; name another file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save its table as CSV"),
    (b"PAR1", "a Parquet file; save it as CSV"),
    (b"SQLite format 3\0", "an SQLite database; export its table as CSV"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"\xfd7zXZ\0", "an xz archive; unpack it"),
    (b"BZh", "a bzip2 archive; unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it"),
    (b"%PDF", "a PDF; save its table as CSV"),
    (b"bplist", "a binary property list; export it as text"),
    (b"\x89PNG", "a picture; name a table"),
    (b"\xff\xd8\xff", "a picture; name a table"),
    (b"ID3", "an audio file; name a table"),
    (b"fLaC", "an audio file; name a table"),
    (b"OggS", "an audio file; name a table"),
    (b"RIFF", "an audio file; name a table"),
    (b"\x7fELF", "a program; name a table"),
)

# Control characters of text: line ends, tabs, escapes. Zeros are those of UTF-16.
TEXT_CONTROLS = b"\0\t\n\v\f\r\x1a\x1b"
MOST_CONTROLS = 0.05  # fraction in a text; of random bytes it is 9 %


def kind_of(head: bytes) -> str:
    """Describe a binary file by its first bytes, with a remedy; empty where it may be text."""
    known = next((what for magic, what in MAGIC if head.startswith(magic)), "")
    if known or head.startswith(b"\x1f\x8b"):
        return known
    controls = sum(byte < 32 and byte not in TEXT_CONTROLS for byte in head)
    return "binary, no text; name a table" if controls > MOST_CONTROLS * len(head) else ""


def is_special_file(path: Path) -> bool:
    """Whether a path is a pipe or a device, which would block or never end."""
    return path.exists() and not (path.is_file() or path.is_dir())
