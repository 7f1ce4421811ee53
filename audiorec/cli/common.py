"""What commands begin with: quick imports, a listener as stored, a recipe by its name."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from audiorec.cli.output import echo_line

if TYPE_CHECKING:
    from audiorec.pipeline.recipe import Recipe
    from audiorec.workspace import Workspace


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """For the imports of a command that answers at once: they are not searched for garbage.

    They make none, and all that they make stays; to search it takes a tenth of the time of a start.
    """
    first = gc.isenabled() and not gc.get_freeze_count()
    if first:
        gc.disable()
    try:
        yield
    finally:
        if first:
            gc.freeze()
            gc.enable()


def as_stored(workspace: Workspace, user: str) -> str:
    """A listener's name as it is stored: where that is a pseudonym, people still say the name."""
    salt = workspace.salt(make=False)
    if salt is None:
        return user
    from audiorec.data.plays.pseudonyms import stored_name

    return stored_name(user, workspace.plays, salt=salt)


def read_recipe(name: Path) -> Recipe:
    """Read a recipe: a file, or the shipped one of that name, from whatever directory."""
    from audiorec.pipeline import load_shipped, shipped_names
    from audiorec.pipeline.recipe import Recipe

    if not name.is_file() and name.parts[:-1] in ((), ("pipelines",)):
        stem = name.name.removesuffix(".toml")
        if stem in shipped_names() or not name.suffix:
            return load_shipped(stem)
    return Recipe.load(name, notify=lambda line: echo_line(f"audiorec: {line}", err=True))
