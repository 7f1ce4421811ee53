"""Comparison of systems on real music with real listening, with artists frozen from choices.

    python -m audiorec.studies.real_music join 4q DOWNLOADED_SET HETREC_FOLDER joined/
    audiorec -w WORKSPACE scan --manifest joined/tracks.csv
    audiorec -w WORKSPACE plays joined/plays.csv
    audiorec -w WORKSPACE mel --recipe pipelines/studies/real-music.toml
    python -m audiorec.studies.real_music run WORKSPACE joined/

The recipe holds artists out in 5 folds x 3 seeds and ranks artists, since plays are known by artist
only. ``--without-frozen`` leaves the frozen artists out altogether, for making choices.
"""

from __future__ import annotations

from pathlib import Path

import click

from audiorec.evaluation import (
    Report,
    evaluate,
    keep_tables,
    read_catalogue,
    workspace_inputs,
    workspace_plays,
)
from audiorec.exceptions import AudiorecError
from audiorec.pipeline import Recipe
from audiorec.progress import Progress, silent
from audiorec.studies.real_music_dataset import READERS, join
from audiorec.workspace import Workspace

SYSTEMS = (
    "random",
    "shuffled",
    "popularity of test tracks (leaky)",
    "play count of half A",
    "mel statistics + ridge",
    "MFCC + ridge",
    "spectrogram-statistics + ridge",
    "cnn (from nothing)",
    "musicnn + ridge",
    "musicnn + mlp (cosine)",
    "musicnn + mlp (contrastive)",
    "musicnn fine-tuned",
    "ALS on all plays",
    "ALS fold-in",
)


def compare(
    workspace: Workspace,
    recipe: Recipe,
    *,
    artists: list[str],
    frozen: list[str],
    systems: tuple[str, ...] = SYSTEMS,
    without_frozen: bool = False,
    progress: Progress = silent,
) -> Report:
    """Evaluate on a joined data set.

    Parameters
    ----------
    workspace : Workspace
    recipe : Recipe
        Settings of folds, seeds, factors and training.
    artists : list of str
        Artists that may be held out.
    frozen : list of str
        Some of them, also held out in a separate split.
    systems : tuple of str
    without_frozen : bool
        Whether to leave these artists out of everything instead.
    progress : Progress
    """
    store, tracks = read_catalogue(workspace, recipe)
    if without_frozen:
        names = {name.strip().casefold() for name in frozen}
        tracks = [track for track in tracks if track.artist_key not in names]
    return evaluate(
        store,
        workspace_plays(workspace),
        tracks,
        recipe=recipe,
        systems=systems,
        frozen=() if without_frozen else frozen,
        held_out_from=artists,
        inputs_of=workspace_inputs(workspace, recipe, progress=progress),
        work_directory=workspace.scores,
        progress=progress,
    )


@click.group()
def main() -> None:
    """Real music with real listening."""


@main.command("join")
@click.argument("kind", type=click.Choice(list(READERS)))
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.argument("hetrec", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def join_command(kind: str, source: Path, hetrec: Path, out: Path) -> None:
    """Join the recordings in SOURCE with the listening in HETREC by artist, into OUT."""
    try:
        joined = join(READERS[kind](source), hetrec, out)
    except (AudiorecError, OSError, KeyError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{len(joined.artists)} artists, {len(joined.frozen)} of them frozen; see {out}")


@main.command("run")
@click.argument("workspace", type=click.Path(exists=True, path_type=Path))
@click.argument("joined", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--recipe", "recipe_file", type=click.Path(exists=True, path_type=Path))
@click.option("--system", "systems", multiple=True, help="[default: all of the results page]")
@click.option("--without-frozen", is_flag=True, help="Leave the frozen artists out.")
def run_command(
    workspace: Path,
    joined: Path,
    recipe_file: Path | None,
    systems: tuple[str, ...],
    without_frozen: bool,
) -> None:
    """Print the tables of WORKSPACE, made from JOINED, with a separate one of frozen artists."""
    recipe = Recipe.load(recipe_file or Path("pipelines/studies/real-music.toml"))
    place = Workspace(workspace)
    try:
        with place.writing():
            report = compare(
                place,
                recipe,
                artists=(joined / "artists.txt").read_text(encoding="utf-8").splitlines(),
                frozen=(joined / "frozen.txt").read_text(encoding="utf-8").splitlines(),
                systems=systems or SYSTEMS,
                without_frozen=without_frozen,
            )
            name = "real-music-choices" if without_frozen else "real-music"
            keep_tables(place, report, name=name)
    except AudiorecError as error:
        raise click.ClickException(str(error)) from None
    click.echo(report.to_text())


if __name__ == "__main__":
    main()
