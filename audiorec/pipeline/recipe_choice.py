"""Choice of a workspace's recipe."""

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
MIN_LISTENERS = 10  # fewer are not enough to fit factors


class RecipeChoice(NamedTuple):
    """An automatically chosen recipe, with the reason."""

    name: str
    reason: str
    recipe: Recipe


def remembered_recipe(workspace: Workspace) -> Recipe | None:
    """Return the last recipe named for a workspace; None if none was.

    That is the one of the last command that succeeded, or of one that was killed since.
    """
    paths = (workspace.root / name for name in (PENDING, RECIPE))
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        return None
    return None if _is_of_0_1(path) else Recipe.load(path)


def forgotten_recipe(workspace: Workspace) -> str:
    """Return a notice on a remembered recipe of a removed kind; empty for any other."""
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
    """Choose the recipe of a workspace for which none was named, by its number of listeners.

    A few listeners, such as one person and their playlists, tell nothing about tracks that they
    have not played.
    """
    if not artifacts.exists(workspace.plays):
        return RecipeChoice(LIBRARY, "there is no listening", load_shipped(LIBRARY))
    from audiorec.data.plays import load_plays  # here: polars starts threads

    n = load_plays(workspace.plays)["user_id"].n_unique()
    if n < MIN_LISTENERS:
        few = f"{n} listener{'s' if n != 1 else ''}, fewer than {MIN_LISTENERS}"
        return RecipeChoice(LIBRARY, few, load_shipped(LIBRARY))
    return RecipeChoice(DEFAULT, f"there are {n} listeners", load_shipped(DEFAULT))


def current_recipe(workspace: Workspace) -> Recipe:
    """Return a workspace's recipe: the one named last, else the one of its model.

    Without a model, see `automatic_recipe`; imported vectors need no recipe.
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
    """Return the recipe with the sections of a model's settings, where they differ."""
    kept: dict[str, object] = {
        name: type(section)(**model.config[name])
        for name in ("mel", "model", "train")
        if name in model.config
        and (section := getattr(recipe, name)).model_dump(mode="json")
        != artifacts.current_settings(model.config[name])
    }
    return recipe.model_copy(update=kept)


def is_recipe_pending(workspace: Workspace) -> bool:
    """Whether a killed command left a recipe with which the next continues."""
    return (workspace.root / PENDING).exists()


@contextmanager
def remembered(workspace: Workspace, recipe: Recipe) -> Iterator[None]:
    """Remember a named recipe as the workspace's if the block succeeds.

    A failure keeps the previous recipe. A killed command leaves the recipe pending, so that the
    next one continues with it.
    """
    pending = workspace.root / PENDING
    write_atomic(pending, recipe.to_toml().encode())
    try:
        yield
    except Exception:
        pending.unlink(missing_ok=True)
        raise
    pending.replace(workspace.root / RECIPE)
