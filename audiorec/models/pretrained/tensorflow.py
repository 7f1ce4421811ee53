"""Read the arrays of a TensorFlow checkpoint without TensorFlow.

A checkpoint is two files. The index is a LevelDB table, sorted by name, whose values are small
protocol buffers with the position of each array; the data file is the arrays' bytes, end to end.
Table: a footer points at an index block, which points at the data blocks; in a block every key is
stored as its difference from the key before (LevelDB's table_format.md). Values:
``BundleEntryProto`` (tensor_bundle.proto).

Only the features of the format that the published weights use are supported: uncompressed blocks,
one data file, little-endian float32. Nothing is checked here, as the digest of their wheel was.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

FOOTER = 48  # bytes: two block handles, padding, and a magic number
DT_FLOAT = 1
VARINT, FIXED32 = 0, 5  # types of fields; the others here start with their length


def read_checkpoint(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Read every float32 array of a checkpoint.

    Parameters
    ----------
    index, data : bytes
        Content of the ``.index`` file and of the one ``.data-00000-of-00001`` file.

    Returns
    -------
    arrays : dict of str to np.ndarray, float32
        By variable name, read-only views of `data`. Arrays of other types (step counts) are left
        out.
    """
    arrays = {}
    for name, value in _table_entries(index):
        entry = dict(_fields(value))  # 1 dtype, 2 shape, 4 offset, 5 size; 0 is omitted
        if name and entry.get(1) == DT_FLOAT:
            shape = [dict(_fields(dim)).get(1, 0) for _, dim in _fields(entry.get(2, b""))]
            count, offset = entry.get(5, 0) // 4, entry.get(4, 0)
            arrays[name] = np.frombuffer(data, "<f4", count, offset).reshape(shape)
    return arrays


def _table_entries(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Every key and value of a LevelDB table, in order; the empty key is the table's header."""
    footer = content[-FOOTER:]
    _, at = _block_location(footer, 0)  # the metaindex, which holds filters only
    for _, value in _block_entries(content, _block_location(footer, at)[0]):
        for key, entry in _block_entries(content, _block_location(value, 0)[0]):
            yield key.decode(), entry


def _block_location(content: bytes, at: int) -> tuple[slice, int]:
    """Position of a block, and the end of its handle."""
    offset, at = _varint(content, at)
    size, at = _varint(content, at)
    return slice(offset, offset + size), at


def _block_entries(content: bytes, place: slice) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block, before its list of restarts."""
    block = content[place]
    (n_restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * n_restarts
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        yield key, block[at + fresh : at + fresh + length]
        at += fresh + length


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a protocol buffer: an int, or bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        value, at = (4, at) if kind == FIXED32 else _varint(message, at)
        if kind == VARINT:
            yield number, value
        else:
            yield number, message[at : at + value]
            at += value


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number in base 128, and its end."""
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
