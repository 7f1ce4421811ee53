"""Data sets in a folder of the test's own, in the exact shape of the originals."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from audiorec.data import add_dataset
from audiorec.data.plays import load_plays, writing_plays

FIXTURES = Path(__file__).parents[3] / "data" / "datasets"


@pytest.fixture
def fixture(tmp_path):
    """Makes a copy of a set's fixture."""

    def make(name: str) -> Path:
        return Path(shutil.copytree(FIXTURES / name, tmp_path / name))

    return make


@pytest.fixture
def imported(tmp_path):
    """Imports a set into stored plays; gives its report, its tracks, and the rows stored."""

    def run(name: str, folder: Path):
        with writing_plays(tmp_path / "plays") as writer:
            report, tracks = add_dataset(writer, name, folder)
            writer.commit()
        plays = load_plays(tmp_path / "plays").sort("user_id", "track_id", "timestamp")
        return report, tracks, plays

    return run
