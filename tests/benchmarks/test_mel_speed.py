"""MP3 clips to stored mel, beside librosa and pure decoding: `pytest -m benchmark -s`.

Whoever has worker processes starts them in every round.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from types import ModuleType

import numpy as np
import pytest
import soundfile
from benching import contest
from made_up import write_songs

from audiorec.audio import MelConfig

N_CLIPS, COPIES, SECONDS = 32, 32, 30.0
CONFIG = MelConfig()


def decode(path):
    """Every sample of a file, and nothing else."""
    return len(soundfile.read(path, dtype="float32")[0])


def librosa_mel(path):
    """What the field writes: load at the rate, mel, dB."""
    import librosa

    y, sr = librosa.load(path, sr=CONFIG.sr, mono=True, duration=CONFIG.clip_seconds)
    mel = librosa.feature.melspectrogram(
        y=y, sr=sr, n_fft=CONFIG.n_fft, hop_length=CONFIG.hop_length, n_mels=CONFIG.n_mels
    )
    return librosa.power_to_db(mel).astype(np.float16)


@pytest.mark.benchmark
def test_clips_to_stored_mel(tmp_path, monkeypatch):
    from audiorec.data.catalog import Catalog
    from audiorec.mel import compute_mels
    from audiorec.scan import scan

    files = write_songs(tmp_path / "music", N_CLIPS, seconds=SECONDS, copies=COPIES)
    cores = len(os.sched_getaffinity(0))
    # A process that is started imports the main module, which would be pytest here.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        scan(catalog, [tmp_path / "music"])

        def ours():
            shutil.rmtree(tmp_path / "mels", ignore_errors=True)
            report = compute_mels(tmp_path / "mels", catalog, config=CONFIG)
            assert report.computed == len(files)

        def loop():
            began = time.perf_counter()
            np.save(tmp_path / "librosa.npy", np.stack([librosa_mel(f) for f in files[:N_CLIPS]]))
            seconds = (time.perf_counter() - began) * len(files) / N_CLIPS
            return {"seconds": seconds, "clips": N_CLIPS}

        def decoding():
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(cores, mp_context=context) as pool:
                return {"samples": sum(pool.map(decode, files, chunksize=8))}

        contest(
            "mel",
            f"{len(files)} MP3 clips of {SECONDS:.0f} s to stored mel, start of workers included",
            {
                "audiorec mel": ours,
                "librosa load + melspectrogram, a loop": loop,
                f"soundfile decoding, {cores} processes": decoding,
            },
            amount=len(files),
            unit="clips",
            rounds=3,
        )
