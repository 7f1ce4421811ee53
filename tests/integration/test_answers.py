"""Questions to a finished workspace, asked as a user asks them."""

import polars as pl

from ..loaded_modules import modules_loaded_by_command


def test_help_imports_nothing_heavy():
    assert not modules_loaded_by_command("--help") & {
        "torch",
        "librosa",
        "faiss",
        "numpy",
        "lightning",
    }
    assert not modules_loaded_by_command("similar", "--help") & {
        "torch",
        "librosa",
        "faiss",
        "numpy",
    }


def test_a_question_about_a_catalogued_track_loads_neither_torch_nor_librosa(
    finished, some_track, world, tmp_path
):
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    heavy = {"torch", "librosa", "torchaudio", "lightning", "sklearn", "matplotlib", "implicit"}
    loaded = modules_loaded_by_command("-w", finished, "similar", some_track["track_id"])
    assert "numpy" in loaded
    # Nor what else is slow.
    assert not loaded & {"faiss", "pydantic", "polars", "scipy", "rich", "multiprocessing"}
    assert not loaded & {"numpy.random", "tempfile"}
    for question in (
        ["similar", some_track["track_id"]],
        ["recommend", user],
        ["recommend", user, "--space", "content", "--popularity", "-1"],
        ["similar", some_track["track_id"], "--space", "listening"],
        ["playlist", some_track["track_id"], "-o", tmp_path / "p.m3u8"],
    ):
        assert not modules_loaded_by_command("-w", finished, *question) & heavy
