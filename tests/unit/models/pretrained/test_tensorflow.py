from __future__ import annotations

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audiorec.models.pretrained.tensorflow import read_checkpoint

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


def write_checkpoint(arrays, *, per_block=3):
    """A table as TensorFlow writes one, with several data blocks."""
    data, pairs = b"", [(b"", field(1, 1))]
    for name in sorted(arrays):
        array = arrays[name]
        dtype = 1 if array.dtype == np.float32 else 9
        shape = b"".join(field(2, field(1, n) if n else b"") for n in array.shape)
        value = field(1, dtype) + field(2, shape)
        value += field(4, len(data)) + field(5, array.nbytes) + varint(6 << 3 | 5) + b"\0\0\0\0"
        pairs.append((name.encode(), value))
        data += array.tobytes()
    out, handles = b"", []

    def put(content):
        nonlocal out
        handle = varint(len(out)) + varint(len(content))
        out += content + bytes(5)
        return handle

    for at in range(0, len(pairs), per_block):
        part = pairs[at : at + per_block]
        handles.append((part[-1][0], put(block(part))))
    meta = put(block([]))
    index = put(block(handles))
    footer = (meta + index).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
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
