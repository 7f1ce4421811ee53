"""The recipe that a workspace follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from audiorec.artifacts import write_atomic
from audiorec.pipeline.recipe import Recipe
from audiorec.workspace import Workspace

RECIPE, PENDING = "recipe.toml", ".recipe.toml"


def current_recipe(workspace: Workspace) -> Recipe:
    """The recipe that a workspace was last run with, or the default one.

    That is the one of the last command that ended well, or of one that was killed since.
    """
    paths = (workspace.root / name for name in (PENDING, RECIPE))
    path = next((path for path in paths if path.exists()), None)
    return Recipe() if path is None else Recipe.load(path)


@contextmanager
def remembered(workspace: Workspace, recipe: Recipe) -> Iterator[None]:
    """Make a recipe the workspace's when the block ends well.

    One that fails leaves the one before. One that is killed leaves it pending, so that the next
    goes on with it.
    """
    pending = workspace.root / PENDING
    write_atomic(pending, recipe.to_toml().encode())
    try:
        yield
    except Exception:
        pending.unlink(missing_ok=True)
        raise
    pending.replace(workspace.root / RECIPE)
