"""``audiorec run``: run every stale stage in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.options import GlobalOptions, PathType, jobs_option, json_option, strict_option
from audiorec.cli.stages import engine_option, run_stages

if TYPE_CHECKING:
    from audiorec.local_or_ray import Engine


@click.command("run")
@click.argument("recipe_file", metavar="[RECIPE]", required=False, type=PathType(path_type=Path))
@engine_option
@jobs_option
@strict_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    recipe_file: Path | None,
    engine: Engine,
    jobs: int | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Run every stage that is stale: mel, factors, train, embed, index, sessions, map.

    RECIPE is a TOML file, or a shipped recipe by name: default, scratch, library, paper2013,
    dieleman2014. Without it, the recipe that was named last is used; if there is none, default from
    ten listeners on, else library. If it is killed, the next run continues.
    """
    from audiorec.pipeline import STAGES

    run_stages(
        settings,
        STAGES,
        recipe_file=recipe_file,
        engine=engine,
        jobs=jobs,
        strict=strict,
        as_json=as_json,
        choose=True,
    )
