"""The command ``demo``."""

from __future__ import annotations

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


def test_help_tells_how_few_tracks_there_can_be():
    option = next(option for option in command.params if option.name == "tracks")
    assert option.type.min == MIN_TRACKS
