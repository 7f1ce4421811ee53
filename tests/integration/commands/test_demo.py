"""The command ``demo``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.cli.demo import command
from audiorec.demo.world import MIN_TRACKS


def test_more_artists_than_tracks_names_the_options(tmp_path):
    answer = CliRunner().invoke(cli, ["demo", str(tmp_path / "d"), "--tracks", "5"])
    assert answer.exit_code == 2
    last = answer.output.splitlines()[-1]
    assert "--artists" in last and "--tracks 5" in last and "n_artists" not in last
    assert not (tmp_path / "d").exists()


@pytest.mark.slow
def test_a_world_is_made_and_said_how_to_scan(tmp_path):
    world = tmp_path / "d"
    small = ["--tracks", str(MIN_TRACKS), "--artists", "2", "--listeners", "5", "-j", "1"]
    answer = CliRunner().invoke(cli, ["demo", str(world), *small])
    assert answer.exit_code == 0, answer.output
    n_tracks = len((world / "tracks.csv").read_text().splitlines()) - 1
    assert n_tracks >= MIN_TRACKS
    assert answer.stdout.startswith(f"{n_tracks} tracks, 5 listeners and ")
    assert answer.stdout.endswith(f" plays in {world}\n")
    assert f"next: audiorec scan --manifest {world / 'tracks.csv'}" in answer.stderr


def test_help_tells_how_few_tracks_there_can_be():
    option = next(option for option in command.params if option.name == "tracks")
    assert option.type.min == MIN_TRACKS
