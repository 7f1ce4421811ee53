"""``audiorec mel``, ``factors``, ``train``, ``embed``, ``index``, ``sessions``, ``map``: one
stage each."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.options import (
    GlobalOptions,
    MemorySize,
    jobs_option,
    json_option,
    recipe_option,
    strict_option,
)
from audiorec.cli.output import echo_line, echo_notice, echo_stages, fail_if_strict
from audiorec.cli.progress_line import progress_shown
from audiorec.distributed import process_group

if TYPE_CHECKING:
    from audiorec.local_or_ray import Engine

HELP = {
    "mel": "Compute the log-mel spectrogram of every catalogued track that has none.",
    "factors": "Factorise the plays into a vector for every listener and every played track.",
    "train": "Train the network, or the head of a pretrained one, to predict tracks' factors from "
    "their sound. With several processes: torchrun --nproc_per_node=2 -m audiorec train.",
    "embed": "Predict a vector for every track with audio.",
    "index": "Build the index that answers 'similar', 'recommend' and 'playlist'.",
    "sessions": "Learn what is played next: session neighbours and GRU4Rec, for 'next'.",
    "map": "Place every track in the plane, near those that sound like it, for the page 'Map' of "
    "'serve'. Tracks already on the map stay where they are.",
}


@cache
def stage_command(stage: str) -> click.Command:
    """Make the command that runs one stage."""

    @click.command(stage, help=HELP[stage])
    @recipe_option
    @jobs_option
    @strict_option
    @json_option
    @click.pass_obj
    def command(
        settings: GlobalOptions,
        recipe_file: Path | None,
        jobs: int | None,
        strict: bool,
        as_json: bool,
        memory: str | None = None,
        engine: Engine = "local",
    ) -> None:
        run_stages(
            settings,
            (stage,),
            recipe_file=recipe_file,
            jobs=jobs,
            strict=strict,
            as_json=as_json,
            memory=memory,
            engine=engine,
        )

    more = {"index": memory_option, "mel": engine_option, "embed": engine_option}
    return more[stage](command) if stage in more else command


memory_option = click.option(
    "--memory",
    type=MemorySize(),
    help="Memory for the index beside its memory-mapped vectors, such as 500M or 2G; inverted "
    "lists that need more stay on disk. [default: [index] memory of the recipe]",
)

engine_option = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Run on processes of this machine, or on Ray (extra 'ray'): the cluster named by "
    "RAY_ADDRESS, or --jobs CPUs of this machine. The results are the same.",
)


def run_stages(
    settings: GlobalOptions,
    stages: tuple[str, ...],
    *,
    recipe_file: Path | None,
    jobs: int | None,
    strict: bool,
    as_json: bool,
    memory: str | None = None,
    engine: Engine = "local",
    choose: bool = False,
) -> None:
    """Run `stages` on the workspace and print the report of each.

    With `choose`, a recipe that the user never named is chosen anew.
    """
    from audiorec.data.catalog import Catalog
    from audiorec.data.server import store_server_plays
    from audiorec.index import IndexConfig
    from audiorec.pipeline import (
        Pipeline,
        automatic_recipe,
        current_recipe,
        read_recipe,
        remembered_recipe,
    )
    from audiorec.pipeline.recipe_choice import forgotten_recipe, is_recipe_pending
    from audiorec.progress import silent
    from audiorec.worker_pool import keep_freed_memory

    recipe = read_recipe(recipe_file, notify=echo_notice) if recipe_file else None
    if engine != "local":
        from audiorec.local_or_ray import check_engine

        check_engine(engine)
    workspace = settings.workspace
    workspace.check()
    named = recipe is not None or is_recipe_pending(workspace)
    mine = process_group()
    if recipe is None and mine.first and (line := forgotten_recipe(workspace)):
        echo_line(line, err=True)
    if choose and recipe is None and remembered_recipe(workspace) is None:
        name, reason, recipe = automatic_recipe(workspace)
        if mine.first:
            click.echo(f"recipe {name}: {reason} ('audiorec run RECIPE' chooses another)", err=True)
    if memory is not None:
        recipe = recipe or current_recipe(workspace)
        stated = recipe.index.model_dump(exclude_unset=True)
        index = IndexConfig(**{**stated, "memory": memory})
        recipe = recipe.model_copy(update={"index": index})
        named = named or remembered_recipe(workspace) is not None
    failures = 0
    keep_freed_memory()
    with workspace.writing() if mine.first else nullcontext(), progress_shown() as progress:
        shown = progress if mine.first else silent
        pipeline = Pipeline(
            workspace, recipe=recipe, remember=named, n_jobs=jobs, engine=engine, progress=shown
        )
        if mine.first:
            store_server_plays(workspace)  # plays of the server's listeners since the last run
        reports = pipeline.run(stages)
        progress.close()
        mine.all_gather(None)  # a process that left early would break the others' connections
        if not mine.first:
            return
        echo_stages(reports, as_json=as_json)
        if "mel" in stages and workspace.catalog.exists():
            with Catalog(workspace.catalog, read_only=True) as catalog:
                failures = sum(f.stage == "mel" for f in catalog.failures())
    if failures:
        fail_if_strict(failures, strict=strict)
