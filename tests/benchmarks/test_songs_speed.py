"""Full songs, scan to embedding, beside bliss-audio: `pytest -m benchmark -s`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from benching import contest, process
from made_up import write_songs

from audiorec.audio.config import MelConfig
from audiorec.models.config import ModelConfig, TrainConfig

N_SONGS, COPIES, SECONDS = 8, 128, 240.0
FEW = 16  # songs of a round for the reference, which takes seconds for each
AUDIOREC = Path(sys.executable).with_name("audiorec")
BLISS = "import sys, bliss_audio\nfor path in sys.argv[1:]: bliss_audio.Song(path).analysis"


def untrained(workspace):
    """The default network with the weights that it begins with: as slow as any other."""
    from audiorec.models.checkpoint import Checkpoint, save_checkpoint
    from audiorec.models.networks import build_network
    from audiorec.models.predict import InputScale

    mel, model = MelConfig(), ModelConfig()
    network = build_network(model, n_mels=mel.n_mels, n_outputs=48)
    checkpoint = Checkpoint(
        weights=network.state_dict(),
        model=model,
        mel=mel,
        train=TrainConfig(),
        scale=InputScale(np.full(mel.n_mels, -30, np.float32), np.full(mel.n_mels, 15, np.float32)),
        n_outputs=48,
        output_norm="unit",
        output_scale=1.0,
        space="made up",
    )
    save_checkpoint(workspace.model, checkpoint, inputs={"factors": "made up"})


@pytest.mark.benchmark
def test_songs_per_hour(tmp_path):
    pytest.importorskip("bliss_audio", reason="needs the extra 'bench'")
    from audiorec.workspace import Workspace

    files = write_songs(tmp_path / "music", N_SONGS, seconds=SECONDS, copies=COPIES)
    workspace = Workspace(tmp_path / "ws")

    def ours():
        shutil.rmtree(workspace.root, ignore_errors=True)
        workspace.create()
        untrained(workspace)
        seconds = 0.0
        for stage in (["scan", tmp_path / "music"], ["mel"], ["embed"]):
            done = process([AUDIOREC, "-w", workspace.root, *stage])
            seconds += done["seconds"]
        return {"seconds": seconds}

    def bliss():
        seconds = process([sys.executable, "-c", BLISS, *files[:FEW]])["seconds"] / FEW
        return {"seconds": seconds * len(files), "heard": FEW}

    sides = {"audiorec scan, mel, embed": ours}
    try:
        bliss()
    except RuntimeError as error:  # a wheel for other processors than this one
        print(f"\nbliss-audio is left out: {error}", file=sys.stderr)
    else:
        sides["bliss-audio, a loop"] = bliss
    contest(
        "songs",
        f"{len(files)} songs of {SECONDS / 60:.0f} minutes, file to vector, start of the processes "
        "included",
        sides,
        amount=len(files),
        unit="songs",
        rounds=3,
        warm="no",
        packages=("bliss-audio",),
    )
