"""Shipped recipes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from audiorec.exceptions import DataError
from audiorec.pipeline.recipe import Recipe

DEFAULT, LIBRARY = "default", "library"
FORMER_RECIPES = {
    "small1d": "scratch", "musicnn": "default", "few-listeners": "default",
    "small-catalogue": "default",
}  # fmt: skip


def shipped_names() -> list[str]:
    """List the names of the shipped recipes."""
    return sorted(path.stem for path in shipped_folder().glob("*.toml"))


def load_shipped(name: str) -> Recipe:
    """Load a shipped recipe by its name, with or without ``.toml``.

    Raises
    ------
    DataError
        If there is no shipped recipe of that name.
    """
    path = shipped_folder() / f"{name.removesuffix('.toml')}.toml"
    if not path.is_file():
        if successor := FORMER_RECIPES.get(path.stem):
            raise DataError(f"the recipe {path.stem} of 0.1 is gone; take {successor}")
        raise DataError(
            f"there is no recipe {name!r}; name a file, or one of {', '.join(shipped_names())}"
        )
    return Recipe.load(path)


def shipped_folder() -> Path:
    """Return the folder of the shipped recipes, in the checkout or as installed."""
    checkout = Path(__file__).parents[2] / "pipelines"
    if checkout.is_dir():
        return checkout
    with suppress(metadata.PackageNotFoundError):
        for path in metadata.files("audiorec-music") or []:
            if path.parts[-2:] == ("pipelines", f"{DEFAULT}.toml"):
                return Path(str(path.locate())).parent
    return checkout


def read_recipe(name: Path, *, notify: Callable[[str], None] | None = None) -> Recipe:
    """Read a recipe: a file, or else the shipped one of that name.

    Parameters
    ----------
    name : Path
    notify : callable or None
        See `Recipe.load`.
    """
    if not name.is_file() and name.parts[:-1] in ((), ("pipelines",)):
        stem = name.name.removesuffix(".toml")
        if stem in shipped_names() or not name.suffix:
            return load_shipped(stem)
    return Recipe.load(name, notify=notify)
