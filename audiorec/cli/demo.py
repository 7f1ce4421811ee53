"""``audiorec demo``: make the demo world."""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.cli.options import PathType, jobs_option, json_option
from audiorec.cli.output import echo_json, echo_line
from audiorec.cli.progress_line import progress_shown


@click.command("demo")
@click.argument("directory", type=PathType(file_okay=False, path_type=Path))
@click.option("--tracks", type=click.IntRange(min=4), default=800, show_default=True)
@click.option("--artists", type=click.IntRange(min=1), default=160, show_default=True)
@click.option("--listeners", type=click.IntRange(min=1), default=3000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--sessions",
    is_flag=True,
    help="Simulate listening in sessions, with a mood that lasts from track to track.",
)
@jobs_option
@json_option
def command(
    directory: Path,
    tracks: int,
    artists: int,
    listeners: int,
    seed: int,
    sessions: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Generate a demo world in DIRECTORY: synthetic music, and listeners who played it.

    Writes audio files, tracks.csv, plays.csv, held-back files that nobody has played, and
    truth.npz, which only an evaluation may read. The same seed gives the same bytes.
    """
    if artists > tracks:
        raise click.BadParameter(
            f"{artists} are more than --tracks {tracks}, and every artist has a track; "
            f"ask for --artists {tracks} or fewer, or for more tracks",
            param_hint="--artists",
        )
    from audiorec.demo import make_world

    with progress_shown() as progress:
        world = make_world(
            directory,
            n_tracks=tracks,
            n_artists=artists,
            n_listeners=listeners,
            seed=seed,
            sessions=sessions,
            n_jobs=jobs,
            progress=lambda done, total: progress("render", done, total),
        )
    if as_json:
        echo_json({k: str(v) if isinstance(v, Path) else v for k, v in world._asdict().items()})
        return
    echo_line(
        f"{world.n_tracks} tracks, {world.n_listeners} listeners and {world.n_plays} plays "
        f"in {world.directory}"
    )
    echo_line(f"next: audiorec scan --manifest {world.tracks_csv}", err=True)
