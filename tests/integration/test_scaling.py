"""The arithmetic of docs/scaling.md follows from what was measured, and from the code."""

import csv
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from audiorec.audio import MelConfig
from audiorec.audio.fingerprint import n_words
from audiorec.embeddings import Embeddings

from .conftest import call

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def scaling():
    spec = importlib.util.spec_from_file_location("make_scaling", DOCS / "make_scaling.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(scaling):
    written = (DOCS / "scaling.md").read_text(encoding="utf-8")
    assert written == scaling.page(), "run: python docs/make_scaling.py"


def test_a_figure_goes_where_it_belongs(scaling):
    found = json.loads((DOCS / "scaling.json").read_text())["figures"]
    text = scaling.hours(found | {"mel_cpu_s": 0.036, "commit_cpu_s_per_shard": 64e-6})
    assert "| `mel` | 1,000,000 x 36 ms | 10 | 32 | 0.312 |" in text
    assert "| `mel` | 100,000,000 x 36 ms | 1,000 | 32 | 31.2 |" in text
    # 1024 shards each of 64, 128 and 256 tracks, and 541,248 tracks in shards of 512: 4,130
    assert scaling.count_shards(10**6) == 3 * 1024 + -(-(10**6 - 1024 * 448) // 512) == 4130
    assert [scaling.count_shards(n) for n in (1, 64, 65, 65_536, 65_537)] == [1, 1, 2, 1024, 1025]
    assert "| 4,130^2 / 2 x 64 us | 0.152 | 1 | 0.152 |" in text
    assert "| 4,130^2 / 2 x 64 us x 100 | 15.2 | 32 | 0.474 |" in text
    text = scaling.storage(found)
    mel = MelConfig()
    assert f"{mel.n_mels} x {mel.n_frames} x 2 | 331 GB | 33.1 TB" in text
    assert f"| {n_words(mel)} x 4 | 2.54 GB | 254 GB" in text
    text = scaling.changes(found | {"train_cpu_s": 0.0864})
    assert "| 1,000,000 | one process to torchrun" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.03456, "0.0346"),
        (1.0, "1"),
        (99.96, "100"),
        (999.99, "1,000"),
        (1234, "1,230"),
        (65_432_100, "65,400,000"),
    ],
)
def test_three_digits_that_count(scaling, value, text):
    assert scaling.number(value) == text


def test_bytes(scaling):
    assert [scaling.size(n) for n in (500, 2.5e6, 3e9, 3.31e13)] == [
        "0.5 kB",
        "2.5 MB",
        "3 GB",
        "33.1 TB",
    ]


def test_another_workspace_places_its_tracks_by_what_one_learned(workspace, world, tmp_path):
    with world.tracks_csv.open(newline="") as stream:
        rows = list(csv.DictReader(stream))[::2]
    for row in rows:
        row["path"] = str((world.tracks_csv.parent / row["path"]).absolute())
    with (tmp_path / "half.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    half = tmp_path / "half"
    assert call("-w", half, "scan", "--manifest", tmp_path / "half.csv").code == 0
    for learned in ("plays", "factors", "model"):
        shutil.copytree(workspace / learned, half / learned, dirs_exist_ok=True)
    shutil.copy(workspace / "recipe.toml", half)
    for stage in ("mel", "embed", "index"):
        answer = call("-w", half, stage)
        assert answer.code == 0, answer.err
    whole, part = (Embeddings.load(place / "embeddings") for place in (workspace, half))
    assert 0 < len(part) < len(whole)
    np.testing.assert_allclose(part.vectors, whole.take(part.ids).vectors, atol=1e-5)
    assert call("-w", half, "similar", part.ids[0], "-k", 3).code == 0
    assert call("-w", half, "doctor").code == 0
