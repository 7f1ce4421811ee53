"""Read the arrays of a TensorFlow checkpoint without TensorFlow.

A checkpoint is two files. The index is a LevelDB table, sorted by name, whose values are small
protocol buffers that say where each array lies; the data file is the arrays' bytes, end to end.
Table: a footer points at an index block, which points at the data blocks; in a block every key is
kept as what differs from the key before (LevelDB's table_format.md). Values: ``BundleEntryProto``
(tensor_bundle.proto). Only what published weights need is read: uncompressed blocks, one data
file, little-endian float32; of anything else the error says which.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from audiorec.exceptions import DataError

FOOTER = 48  # bytes: two block handles, padding, and the magic number
MAGIC = 0xDB4775248B80FB57
TRAILER = 5  # bytes after a block: its compression, and a checksum
DT_FLOAT = 1
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class _Entry(NamedTuple):
    """Where an array lies, and of what type it is."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


def read_checkpoint(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Every float32 array of a checkpoint.

    Parameters
    ----------
    index, data : bytes
        Content of the ``.index`` file and of the one ``.data-00000-of-00001`` file.

    Returns
    -------
    arrays : dict of str to np.ndarray, float32
        By variable name, read-only views of `data`. Arrays of other types (step counts) are left
        out.

    Raises
    ------
    DataError
        If the index is not a table, is cut off, or points past the end of the data.
    """
    try:
        entries = _entries(index)
    except (IndexError, ValueError, struct.error):
        raise DataError("checkpoint's index is cut off or damaged; fetch it again") from None
    arrays = {}
    for name, entry in entries.items():
        if entry.dtype != DT_FLOAT:
            continue
        if entry.shard:
            raise DataError(f"checkpoint's {name} lies in data file {entry.shard}; one is read")
        if entry.offset + entry.size > len(data):
            raise DataError(
                f"checkpoint's data is cut off: {name} ends at byte {entry.offset + entry.size} "
                f"and there are {len(data)}; fetch it again"
            )
        if entry.size != 4 * math.prod(entry.shape):
            raise DataError(f"checkpoint's {name} has {entry.size} bytes for shape {entry.shape}")
        flat = np.frombuffer(data, "<f4", count=entry.size // 4, offset=entry.offset)
        arrays[name] = flat.reshape(entry.shape)
    return arrays


def _entries(index: bytes) -> dict[str, _Entry]:
    """Where each array lies, by its name."""
    entries = {}
    for key, value in _table(index):
        if key:
            entries[key.decode()] = _entry(value)
        else:
            _check_header(value)
    return entries


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value of a LevelDB table, in order."""
    if len(content) < FOOTER or struct.unpack("<Q", content[-8:])[0] != MAGIC:
        raise DataError("checkpoint's index is cut off or no TensorFlow index; fetch it again")
    footer = content[-FOOTER:]
    _, at = _varint(footer, 0)  # the metaindex, which holds filters only
    _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    for _, handle in _block(content, offset, size):
        start, at = _varint(handle, 0)
        length, _ = _varint(handle, at)
        yield from _block(content, start, length)


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block."""
    if offset + size + TRAILER > len(content):
        raise IndexError
    if content[offset + size] != 0:
        raise DataError("checkpoint's index is compressed; only uncompressed ones are read")
    block = content[offset : offset + size]
    (n_restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * n_restarts
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        if at + fresh + length > end:
            raise IndexError
        key = key[:shared] + block[at : at + fresh]
        yield key, block[at + fresh : at + fresh + length]
        at += fresh + length


def _entry(message: bytes) -> _Entry:
    """``BundleEntryProto``: 1 dtype, 2 shape, 3 shard_id, 4 offset, 5 size."""
    fields = dict(_fields(message))
    shape = fields.get(2, b"")
    if not isinstance(shape, bytes):
        raise ValueError
    dims = [dict(_fields(dim)) for number, dim in _fields(shape) if number == 2]
    dtype, shard, offset, size = (_number(fields, n) for n in (1, 3, 4, 5))
    return _Entry(dtype, tuple(_number(dim, 1) for dim in dims), shard, offset, size)


def _check_header(message: bytes) -> None:
    """``BundleHeaderProto``: 1 num_shards, 2 endianness (0 is little)."""
    if _number(dict(_fields(message)), 2):
        raise DataError("checkpoint is big-endian; only little-endian ones are read")


def _number(fields: dict[int, Any], number: int) -> int:
    """A field that is a number, 0 when it is left out."""
    value = fields.get(number, 0)
    if not isinstance(value, int):
        raise ValueError
    return value


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a protocol buffer: an int, or bytes."""
    at = 0
    if not isinstance(message, bytes):
        raise ValueError
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == BYTES:
            length, at = _varint(message, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise DataError(f"checkpoint's index has a field of unknown kind {kind}")
        if at + length > len(message):
            raise IndexError
        yield number, message[at : at + length]
        at += length


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number in base 128, and where what follows it begins."""
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
