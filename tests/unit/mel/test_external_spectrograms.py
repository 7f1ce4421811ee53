"""Spectrograms in the place of audio: taken as they are, or refused with what is wrong."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest

from audiorec.audio import MelConfig, make_fingerprint
from audiorec.exceptions import AudioError
from audiorec.mel import MelJob
from audiorec.mel.compute import compute_track
from audiorec.mel.external_spectrograms import read_array

CONFIG = MelConfig(sr=8000, n_fft=256, hop_length=256, n_mels=16, clip_seconds=2)


@pytest.fixture
def save(tmp_path):
    def save(array) -> str:
        np.save(tmp_path / "1.npy", array)
        return tmp_path / "1.npy"

    return save


def levels(n_mels=16, n_frames=CONFIG.n_frames, dtype=np.float32):
    return np.random.default_rng(0).uniform(-80, 0, (n_mels, n_frames)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_frames", [1, 20, CONFIG.n_frames])
def test_an_array_is_taken_as_it_is(save, dtype, n_frames):
    mel = levels(n_frames=n_frames, dtype=dtype)
    found = read_array(save(mel), config=CONFIG)
    (stored,) = found.mels
    assert stored.dtype == np.float16 and (stored == mel.astype(np.float16)).all()
    assert (found.fingerprint == make_fingerprint(stored, config=CONFIG)).all()
    assert found.starts == [0.0]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (levels(n_mels=48), r"has 48 bands and 63 frames, \[mel\] gives 16 and 63; run a recipe"),
        (levels(n_frames=64), r"has 16 bands and 64 frames, \[mel\] gives 16 and 63; run a"),
        (levels()[0], r"is float32 of shape \(63,\), no spectrogram; fetch it again"),
        (levels().astype(int), r"is int64 of shape \(16, 63\), no spectrogram"),
        (levels(n_frames=0), r"is float32 of shape \(16, 0\), no spectrogram"),
        (levels() - 1000, "holds what is no level in dB; fetch it again"),
        (levels() + 1100, "holds what is no level in dB"),
        (np.where(levels() < -79, np.nan, levels()), "holds what is no level in dB"),
        (np.array([{"a": 1}]), r"is no array \(.*\); fetch it again"),
    ],
)
def test_what_is_no_spectrogram(save, array, said):
    with pytest.raises(AudioError, match=f"1.npy {said}"):
        read_array(save(array), config=CONFIG)


def test_files_of_another_kind(tmp_path):
    file = tmp_path / "1.npy"
    for content in (b"", b"no array", b"\x93NUMPY\x01\x00"):
        file.write_bytes(content)
        with pytest.raises(AudioError, match="1.npy is no array"):
            read_array(file, config=CONFIG)
    stream = io.BytesIO()
    np.savez(stream, a=levels())
    file.write_bytes(stream.getvalue())
    with pytest.raises(AudioError, match="1.npy is an archive, no spectrogram; fetch it again"):
        read_array(file, config=CONFIG)
    with pytest.raises(AudioError, match="none.npy is no array"):
        read_array(tmp_path / "none.npy", config=CONFIG)


def test_a_worker_reads_what_is_as_it_was_catalogued(save):
    file = save(levels())
    stat = file.stat()
    job = MelJob("t1", str(file), "h", (stat.st_size, stat.st_mtime_ns))
    assert str(job) == str(file)
    assert compute_track(job, config=CONFIG).mels[0].shape == (16, 63)
    os.utime(file, ns=(0, stat.st_mtime_ns + 10**9))
    with pytest.raises(AudioError, match="1.npy has changed; run 'audiorec dataset' on its set"):
        compute_track(job, config=CONFIG)
