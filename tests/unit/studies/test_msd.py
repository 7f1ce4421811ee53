"""The paper's protocol on the Million Song Dataset: one command from its files to the table."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from audiorec.data.catalog import Catalog
from audiorec.data.datasets import DatasetFolder, dataset
from audiorec.data.plays import all_played_tracks
from audiorec.exceptions import DataError
from audiorec.mel import MelStore
from audiorec.pipeline import Recipe
from audiorec.studies import msd
from audiorec.workspace import Workspace

FIXTURE = Path(__file__).parents[2] / "data" / "datasets" / "msd"
RECIPE = Recipe(mel={"clip_seconds": 4.0, "n_mels": 16}, train={"crop_seconds": 3.0})


@pytest.fixture
def folder(tmp_path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "msd"))


def test_without_audio_nothing_is_imported(folder, tmp_path):
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(DataError, match=r"has no audio of the set; put its files TR"):
        msd.run(workspace, folder, recipe=RECIPE)
    assert not (workspace.plays / "manifest.json").exists()


def test_from_the_files_to_the_table(folder, tmp_path, monkeypatch, capsys):
    lines = (folder / "taste_profile_song_to_tracks.txt").read_text().splitlines()
    ids = [cell for line in lines for cell in line.split("\t")[1:2] if cell]
    (folder / "audio").mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, (len(ids), 5 * 22050))
    for id_, y in zip(ids, noise, strict=True):
        soundfile.write(folder / "audio" / f"{id_}.wav", y.astype(np.float32), 22050)
    workspace = Workspace(tmp_path / "w")
    seen = []

    def evaluated(workspace, recipe, **_):
        seen.append(recipe)
        return SimpleNamespace(to_text=lambda: "the table")

    monkeypatch.setattr(msd, "run_evaluation", evaluated)
    (tmp_path / "recipe.toml").write_text(RECIPE.to_toml())
    arguments = [str(tmp_path / "w"), str(folder), "--recipe", str(tmp_path / "recipe.toml")]
    monkeypatch.setattr("sys.argv", ["msd", *arguments])
    msd.main()
    assert capsys.readouterr().out == "the table\n" and seen == [RECIPE]
    with Catalog(workspace.catalog, read_only=True) as catalog:
        assert {track.track_id for track in catalog.tracks()} == set(ids)
    assert set(MelStore(workspace.mels).ids) == set(ids)
    found = dataset("msd").read(DatasetFolder(folder, scratch=tmp_path))
    assert set(all_played_tracks(workspace.plays)) == set(found.plays.collect()["track_id"])
