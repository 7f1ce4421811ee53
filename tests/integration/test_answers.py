"""Questions to a finished workspace, asked as a user asks them."""

import subprocess
import sys

import polars as pl


def imported_by(*arguments):
    """Modules that a command has imported when it is done."""
    script = (
        "import sys\n"
        "sys.argv = ['audiorec', *sys.argv[1:]]\n"
        "from audiorec.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.split())


def test_help_imports_nothing_heavy():
    assert not imported_by("--help") & {"torch", "librosa", "faiss", "numpy", "lightning"}
    assert not imported_by("similar", "--help") & {"torch", "librosa", "faiss", "numpy"}


def test_a_question_about_a_catalogued_track_loads_neither_torch_nor_librosa(
    finished, some_track, world, tmp_path
):
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    heavy = {"torch", "librosa", "torchaudio", "lightning", "sklearn", "matplotlib", "implicit"}
    loaded = imported_by("-w", finished, "similar", some_track["track_id"])
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
        assert not imported_by("-w", finished, *question) & heavy
