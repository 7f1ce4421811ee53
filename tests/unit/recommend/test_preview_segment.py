"""The preview is where a recording is most like itself."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.audio import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.mel import MelStore, compute_mels
from audiorec.recommend import Preview, find_previews
from audiorec.recommend.preview_segment import preview_of
from audiorec.scan import scan
from audiorec.workspace import Workspace

CONFIG = MelConfig()


def clip(seconds, *, odd=None, seed=0):
    """Bands of noise; between the seconds `odd` another music."""
    rng = np.random.default_rng(seed)
    mel = rng.normal(-30, 5, (16, CONFIG.frames(seconds)))
    if odd is not None:
        mel[:8, CONFIG.frames(odd[0]) : CONFIG.frames(odd[1])] += 40
    return mel.astype(np.float16)


@pytest.mark.parametrize("odd", [(0, 8), (22, 30)])
def test_as_much_of_the_odd_part_as_the_whole_has(odd):
    # The middle 30 s of 100 s begin at 35 s. A half of it that has more of the odd part than the
    # whole is less like the whole than one that has as much.
    found = preview_of([clip(30, odd=odd)], starts=[35], config=CONFIG, duration=100.0)
    shares = [max(0, min(odd[1], s + 15) - max(odd[0], s)) / 15 for s in np.arange(0, 15.5, 0.5)]
    fitting = np.arange(0, 15.5, 0.5)[np.abs(np.array(shares) - 8 / 30) < 0.12]
    assert found.end - found.start == pytest.approx(15)
    assert min(np.abs(fitting + 35 - found.start)) < 1.0


def test_of_several_clips_the_most_typical():
    config = MelConfig(n_clips=3)
    clips = [clip(30, odd=(0, 30)), clip(30, seed=1), clip(30, seed=2)]
    found = preview_of(clips, starts=[35, 135, 235], config=config, duration=300.0)
    assert found.start >= 135  # the first of three clips, at 35 s, is another music


@pytest.mark.parametrize("seconds", [1.0, 4.0, 15.0, 20.0])
def test_short_recordings(seconds):
    found = preview_of([clip(seconds)], starts=[0], config=CONFIG, duration=seconds)
    assert found.start >= 0 and found.end <= seconds + 0.05
    assert found.end - found.start == pytest.approx(min(15, seconds), abs=0.11)


def test_a_clip_that_was_moved_out_of_silence(tmp_path, tune, write_audio):
    (tmp_path / "music").mkdir()
    y = np.zeros((200 * 8000, 1), np.float32)
    y[: 40 * 8000] = tune(40, sr=8000, channels=1).reshape(-1, 1)
    write_audio(tmp_path / "music" / "a.wav", y, sr=8000)
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        scan(catalog, [tmp_path / "music"])
        compute_mels(workspace.mels, catalog, config=CONFIG, n_jobs=1)
        (track,) = catalog.tracks()
    (start,) = MelStore(workspace.mels).starts(track.track_id, duration=200)
    assert start <= 10  # the middle would begin at 85 s
    assert find_previews(workspace, [track])[track.track_id].end <= 40


def test_a_workspace_without_spectrograms_has_none(tmp_path):
    assert find_previews(Workspace(tmp_path), []) == {}
    mels = Workspace(tmp_path).mels
    mels.mkdir()
    (mels / "manifest.json").write_text("{")  # damaged: an answer does without
    assert find_previews(Workspace(tmp_path), []) == {}
    assert Preview(1.0, 16.0).end == 16.0
