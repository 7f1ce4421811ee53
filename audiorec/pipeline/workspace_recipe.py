"""The recipe that a workspace follows."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from audiorec import artifacts
from audiorec.artifacts import write_atomic
from audiorec.pipeline.old_settings import is_described
from audiorec.pipeline.recipe import Recipe
from audiorec.pipeline.shipped_recipes import DEFAULT, LIBRARY, load_shipped
from audiorec.workspace import Workspace

RECIPE, PENDING = "recipe.toml", ".recipe.toml"
MIN_LISTENERS = 10  # fewer place no track


class RecipeChoice(NamedTuple):
    """A recipe that nobody named, and why it was chosen."""

    name: str
    reason: str
    recipe: Recipe


def remembered_recipe(workspace: Workspace) -> Recipe | None:
    """The recipe that was named for a workspace last; None where none was.

    That is the one of the last command that ended well, or of one that was killed since.
    """
    paths = (workspace.root / name for name in (PENDING, RECIPE))
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        return None
    return None if _is_of_0_1(path) else Recipe.load(path)


def forgotten_recipe(workspace: Workspace) -> str:
    """What to say of a remembered recipe that nothing follows any more; empty for any other."""
    path = workspace.root / RECIPE
    if not path.exists() or (workspace.root / PENDING).exists() or not _is_of_0_1(path):
        return ""
    return (
        f'{path} is of an earlier version (architecture "described"), which is gone; '
        "'audiorec run' chooses a recipe anew, 'audiorec run RECIPE' takes another"
    )


def _is_of_0_1(path: Path) -> bool:
    with suppress(OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return is_described(tomllib.loads(path.read_text(encoding="utf-8")))
    return False


def automatic_recipe(workspace: Workspace) -> RecipeChoice:
    """The recipe for a workspace for which none was named: by whether there is listening.

    A few listeners, such as one person and their playlists, tell nothing of tracks that they have
    not played.
    """
    if not artifacts.exists(workspace.plays):
        return RecipeChoice(LIBRARY, "there is no listening", load_shipped(LIBRARY))
    from audiorec.data.plays.store import load_plays  # here: it loads polars, which starts threads

    n = load_plays(workspace.plays)["user_id"].n_unique()
    if n < MIN_LISTENERS:
        few = f"{n} listener{'s' if n != 1 else ''}, fewer than {MIN_LISTENERS}"
        return RecipeChoice(LIBRARY, few, load_shipped(LIBRARY))
    return RecipeChoice(DEFAULT, f"there are {n} listeners", load_shipped(DEFAULT))


def current_recipe(workspace: Workspace) -> Recipe:
    """The recipe that a workspace follows: the one that was named, else what its model follows.

    Where there is no model yet, see `automatic_recipe`; imported vectors need none.
    """
    if (named := remembered_recipe(workspace)) is not None:
        return named
    if artifacts.was_imported(workspace.root):
        return Recipe()
    model = artifacts.load_valid(workspace.model, kind="model")
    if model is None:
        return automatic_recipe(workspace).recipe
    shipped = load_shipped(LIBRARY if model.extra.get("target") == "content" else DEFAULT)
    return _with_settings_of(model, shipped)


def _with_settings_of(model: artifacts.Manifest, recipe: Recipe) -> Recipe:
    """The recipe with the sections that a model was made by, where they are not its own."""
    kept: dict[str, object] = {
        name: type(section)(**model.config[name])
        for name in ("mel", "model", "train")
        if name in model.config
        and (section := getattr(recipe, name)).model_dump(mode="json")
        != artifacts.without_constants(model.config[name])
    }
    return recipe.model_copy(update=kept)


def is_recipe_pending(workspace: Workspace) -> bool:
    """Whether a command that was killed had been given a recipe, with which the next goes on."""
    return (workspace.root / PENDING).exists()


@contextmanager
def remembered(workspace: Workspace, recipe: Recipe) -> Iterator[None]:
    """Make a recipe that was named the workspace's when the block ends well.

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
