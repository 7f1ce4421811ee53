"""Arrays larger than memory, on a disk that may be full."""

import os

import numpy as np
import pytest

from audiorec.index.spilled_arrays import empty_array


def test_a_file_is_as_large_as_its_array_before_it_is_written_to(tmp_path, monkeypatch):
    """Mapped memory that finds no room on the disk ends the process, by SIGBUS."""
    asked = []

    def full(_descriptor, start, length):
        asked.append((start, length))
        raise OSError(28, "No space left on device")

    shape, dtype = (300, 7), np.dtype(np.float32)
    array = empty_array(shape, dtype=dtype, memory=0, folder=tmp_path)
    array[:] = 1
    assert array.shape == shape and array.sum() == 2100
    assert list(tmp_path.iterdir()) == []
    if hasattr(os, "posix_fallocate"):
        monkeypatch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space left"):
            empty_array(shape, dtype=dtype, memory=0, folder=tmp_path)
        assert asked == [(0, 300 * 7 * 4)]
    assert empty_array(shape, dtype=dtype, memory=300 * 7 * 4).shape == shape
