"""Write docs/commands.md from the commands' own help, and docs/api.md from the docstrings.

Run from the project's root: ``python docs/make_reference.py``. A test fails when it is needed.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import click

import audiorec
from audiorec.cli import COMMANDS, cli

DOCS = Path(__file__).parent
HIDDEN = ("audiorec.cli", "audiorec.demo", "audiorec.__main__")
PATH = (
    "workspace",
    "data",
    "scan",
    "audio",
    "mel",
    "factors",
    "models",
    "training",
    "inference",
    "embeddings",
    "external_embeddings",
    "index",
    "recommend",
    "playlist",
    "sessions",
    "track_map",
    "explain",
    "tagging",
    "serve",
    "pipeline",
    "evaluation",
    "studies",
    "metrics",
)
"""Rooms in the order in which a track passes through them; the others come last."""


def commands_page() -> str:
    """The command reference: the group's help, then every command's."""
    lines = [
        "# Commands",
        "",
        "The help texts of all commands. Results go to stdout, progress and notes to stderr. "
        "Exit codes: 0, success;",
        "1, an error in the data or a reported failure; 2, wrong usage. If `-k` asks `similar` or "
        "`recommend` for more",
        "tracks than the library has, they show all that fit, say so on stderr and exit with 1.",
        "",
    ]
    context = click.Context(cli, info_name="audiorec", terminal_width=88, **cli.context_settings)
    lines += ["## audiorec", "", "```", cli.get_help(context), "```", ""]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context, terminal_width=88)
        lines += [f"## audiorec {name}", "", "```", command.get_help(inner), "```", ""]
        for part in command.commands.values() if isinstance(command, click.Group) else ():
            own = click.Context(part, info_name=part.name, parent=inner, terminal_width=88)
            lines += [f"### audiorec {name} {part.name}", "", "```", part.get_help(own), "```", ""]
    return "\n".join(lines)


def api_page() -> str:
    """The Python API in the order of the path, with the examples of the docstrings."""
    lines = [
        "# Python API",
        "",
        "Every public name with the first line of its docstring, in the order of the path: from",
        "files and plays to answers, then what judges and holds them. Of each package its public",
        "names come first, then its modules. Examples run as tests.",
        "",
    ]
    shown: set[object] = set()
    for name in sorted(_modules(), key=_place):
        module = importlib.import_module(name)
        members = [pair for pair in _members(module) if pair[1] not in shown]
        shown.update(member for _, member in members)
        lines += [f"{'#' * min(name.count('.') + 1, 3)} {name}", "", first_line(module), ""]
        lines += [f"- `{name}`: {first_line(member)}" for name, member in members]
        lines += [""] if members else []
        for _, member in members:
            lines += example(member)
    return "\n".join(lines)


def _members(module: ModuleType) -> list[tuple[str, object]]:
    """Classes and functions: a package's public names, or what a module defines."""
    names = getattr(module, "__all__", None)
    members = [(name, getattr(module, name)) for name in names or sorted(vars(module))]
    return [
        (name, member)
        for name, member in members
        if not name.startswith("_")
        and (inspect.isclass(member) or inspect.isfunction(member))
        and (names or member.__module__ == module.__name__)
    ]


def _modules() -> list[str]:
    found = pkgutil.walk_packages(audiorec.__path__, "audiorec.")
    return [info.name for info in found if not info.name.startswith(HIDDEN)]


def _place(name: str) -> tuple[int, str]:
    """Where a module stands: by its room's place on the path, then by name."""
    room = name.split(".")[1]
    return (PATH.index(room) if room in PATH else len(PATH), name)


def example(member: object) -> list[str]:
    """The example of a docstring as a block of code; none where it has none."""
    _, found, text = (inspect.getdoc(member) or "").partition("Examples\n--------\n")
    return ["```pycon", *text.rstrip().splitlines(), "```", ""] if found else []


def first_line(member: object) -> str:
    """First paragraph of a docstring, on one line."""
    text = inspect.getdoc(member) or ""
    return " ".join(text.split("\n\n")[0].split())


PAGES = {"commands.md": commands_page, "api.md": api_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page(), encoding="utf-8")
        print(DOCS / file, file=sys.stderr)
