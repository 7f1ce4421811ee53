from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audiorec.exceptions import DataError
from audiorec.models.pretrained.tensorflow import MAGIC, read_checkpoint

NAMES = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=20)
ARRAYS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=0, max_dims=4, max_side=6),
    elements=st.floats(-9, 9, width=32),
)


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def block(pairs, *, restart=4):
    """A table's block: keys share a prefix with the one before, but for every fourth."""
    body, restarts, last = b"", [], b""
    for n, (key, value) in enumerate(pairs):
        shared = 0
        if n % restart == 0:
            restarts.append(len(body))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        body += varint(shared) + varint(len(key) - shared) + varint(len(value))
        body += key[shared:] + value
        last = key
    return body + struct.pack(f"<{len(restarts)}I", *restarts) + struct.pack("<I", len(restarts))


def write_checkpoint(arrays, *, compression=0, endianness=0, shard=0, per_block=3):
    """A table as TensorFlow writes one, with several data blocks."""
    data, pairs = b"", [(b"", field(1, 1) + (field(2, endianness) if endianness else b""))]
    for name in sorted(arrays):
        array = arrays[name]
        dtype = 1 if array.dtype == np.float32 else 9
        shape = b"".join(field(2, field(1, n) if n else b"") for n in array.shape)
        value = field(1, dtype) + field(2, shape) + (field(3, shard) if shard else b"")
        value += field(4, len(data)) + field(5, array.nbytes) + varint(6 << 3 | 5) + b"\0\0\0\0"
        pairs.append((name.encode(), value))
        data += array.tobytes()
    out, handles = b"", []

    def put(content):
        nonlocal out
        handle = varint(len(out)) + varint(len(content))
        out += content + bytes([compression]) + b"\0\0\0\0"
        return handle

    for at in range(0, len(pairs), per_block):
        part = pairs[at : at + per_block]
        handles.append((part[-1][0], put(block(part))))
    meta = put(block([]))
    index = put(block(handles))
    footer = (meta + index).ljust(40, b"\0") + struct.pack("<Q", MAGIC)
    return out + footer, data


@settings(max_examples=50, deadline=None)
@given(arrays=st.dictionaries(NAMES, ARRAYS, max_size=8))
def test_round_trip(arrays):
    found = read_checkpoint(*write_checkpoint(arrays))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].shape == array.shape
        assert (found[name] == array).all()


SOME = {"a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a/step": np.zeros(1, np.int64)}


def test_other_types_are_left_out():
    assert list(read_checkpoint(*write_checkpoint(SOME))) == ["a/kernel"]


def test_cut_off_anywhere_is_an_error():
    index, data = write_checkpoint(SOME)
    for end in range(len(index)):
        with pytest.raises(DataError, match="cut off|damaged|no TensorFlow"):
            read_checkpoint(index[:end], data)
    with pytest.raises(DataError, match="a/kernel ends at byte 24 and there are 23; fetch it"):
        read_checkpoint(index, data[:23])


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 120), byte=st.integers(0, 255))
def test_a_damaged_index_is_an_error_or_other_numbers_but_never_a_crash(at, byte):
    index, data = write_checkpoint(SOME)
    broken = bytearray(index)
    broken[at % len(index)] = byte
    try:
        read_checkpoint(bytes(broken), data)
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "how, match",
    [
        ({"compression": 1}, "compressed"),
        ({"endianness": 1}, "big-endian"),
        ({"shard": 1}, "lies in data file 1"),
    ],
)
def test_what_is_not_read_is_named(how, match):
    with pytest.raises(DataError, match=match):
        read_checkpoint(*write_checkpoint(SOME, **how))
