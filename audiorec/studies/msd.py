"""Million Song Dataset: evaluation by the paper's protocol, in one command.

``python -m audiorec.studies.msd WORKSPACE DIRECTORY`` takes the Taste Profile and the audio
(``TR....mp3``) in DIRECTORY, and prints the held-out evaluation with the settings of the paper,
``pipelines/datasets/msd.toml``. If killed, the same command continues.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from audiorec.data import add_dataset, write_manifest
from audiorec.data.catalog import Catalog
from audiorec.data.plays import writing_plays
from audiorec.evaluation import run_evaluation
from audiorec.exceptions import data_error
from audiorec.pipeline import Pipeline, Recipe, shipped_folder
from audiorec.progress import Progress, silent
from audiorec.scan import scan_manifest
from audiorec.workspace import Workspace


def run(
    workspace: Workspace, directory: Path, *, recipe: Recipe, progress: Progress = silent
) -> str:
    """Import, scan, compute spectrograms and evaluate; return the table as text.

    Raises
    ------
    DataError
        If a file of the data set is missing or invalid, or no track has audio.
    """
    with workspace.writing():
        with writing_plays(workspace.plays) as writer:
            _, tracks = add_dataset(writer, "msd", directory)
            if not tracks:
                raise data_error(
                    directory, "has no audio of the set", "put its files TR....mp3 there"
                )
            writer.commit()
        manifest = workspace.root / "msd.csv"
        write_manifest(manifest, tracks)
        pipeline = Pipeline(workspace, recipe=recipe, progress=progress)
        with Catalog(workspace.catalog) as catalog:
            scan_manifest(catalog, manifest, also=pipeline.scan_also(), progress=progress)
        pipeline.run(("mel",))
    return run_evaluation(workspace, recipe, progress=progress).to_text()


def main() -> None:
    """Print the results of the paper's protocol."""
    parser = argparse.ArgumentParser(description="The paper's protocol on the MSD.")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--recipe", type=Path, default=shipped_folder() / "datasets/msd.toml")
    arguments = parser.parse_args()
    print(
        run(
            Workspace(arguments.workspace),
            arguments.directory,
            recipe=Recipe.load(arguments.recipe),
        )
    )


if __name__ == "__main__":
    main()
