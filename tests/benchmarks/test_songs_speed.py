"""Full songs, scan to vector, and clips, scan to mel: `pytest -m benchmark -s`.

The first prints songs an hour with musicnn, the second how many times a librosa loop (load and
mel of the same files, one after the other) goes into a scan and the mel stage. Every process is
started in every round, and its start counted.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from benching import ROOT, contest, process
from made_up import write_songs

from audiorec.audio import MelConfig

N_SONGS, COPIES, SECONDS = 8, int(os.environ.get("BENCH_COPIES", "64")), 240.0
N_CLIPS, CLIP_COPIES = 50, 8
FEW = 16  # songs of a round for the reference, which takes seconds for each
AUDIOREC = Path(sys.executable).with_name("audiorec")
RECIPE = ROOT / "pipelines/library.toml"
BLISS = "import sys, bliss_audio\nfor path in sys.argv[1:]: bliss_audio.Song(path).analysis"
MEL = MelConfig()
LIBROSA = f"""
import sys
import librosa, numpy as np
mels = []
for path in sys.argv[2:]:
    y, sr = librosa.load(path, sr={MEL.sr}, mono=True, duration={MEL.clip_seconds})
    mel = librosa.feature.melspectrogram(
        y=y, sr=sr, n_fft={MEL.n_fft}, hop_length={MEL.hop_length}, n_mels={MEL.n_mels}
    )
    mels.append(librosa.power_to_db(mel).astype(np.float16))
np.save(sys.argv[1], np.stack(mels))
"""


def commands(workspace, *stages):
    """The stages one after the other, in a workspace that is new; their seconds."""
    shutil.rmtree(workspace, ignore_errors=True)
    done = [process([AUDIOREC, "-w", workspace, *stage]) for stage in stages]
    return {key: sum(each[key] for each in done) for key in ("seconds", "cpu")}


@pytest.mark.benchmark
def test_songs_per_hour(tmp_path):
    from audiorec.models.pretrained import fetch

    fetch()
    files = write_songs(tmp_path / "music", N_SONGS, seconds=SECONDS, copies=COPIES)

    def ours():
        return commands(tmp_path / "ws", ["scan", tmp_path / "music"], ["run", RECIPE])

    def bliss():
        seconds = process([sys.executable, "-c", BLISS, *files[:FEW]])["seconds"] / FEW
        return {"seconds": seconds * len(files), "songs": FEW}

    sides = {f"audiorec scan, run {RECIPE.name}": ours}
    try:
        bliss()
    except RuntimeError as error:  # not installed, or a wheel for other processors than this one
        print(f"\nbliss-audio is left out: {str(error)[-200:]}", file=sys.stderr)
    else:
        sides["bliss-audio, a loop"] = bliss
    result = contest(
        "songs",
        f"{len(files)} songs of {SECONDS / 60:.0f} minutes, file to musicnn's vector and index, "
        "start of the processes included",
        sides,
        amount=len(files),
        unit="songs",
        rounds=3,
        warm="no",
        packages=("bliss-audio",),
    )
    first = next(iter(result.sides.values()))
    print(f"\n{3600 * len(files) / first.median:,.0f} songs an hour", file=sys.stderr)


@pytest.mark.benchmark
def test_scan_and_mel_beside_a_librosa_loop(tmp_path):
    files = write_songs(tmp_path / "music", N_CLIPS, seconds=MEL.clip_seconds, copies=CLIP_COPIES)

    def ours():
        return commands(tmp_path / "ws", ["scan", tmp_path / "music"], ["mel"])

    def loop():
        done = process([sys.executable, "-c", LIBROSA, tmp_path / "mels.npy", *files])
        return {key: done[key] for key in ("seconds", "cpu")}

    result = contest(
        "scan-mel",
        f"{len(files)} MP3 clips of {MEL.clip_seconds:.0f} s, scan and mel, start of the processes "
        "included",
        {"audiorec scan, mel": ours, "librosa load + melspectrogram, a loop": loop},
        amount=len(files),
        unit="clips",
        rounds=3,
        warm="no",
    )
    ratios = sorted(1 / ratio for ratio in result.ratio("librosa load + melspectrogram, a loop"))
    print(f"\n{ratios[1]:.2f} times as fast as the librosa loop", file=sys.stderr)
