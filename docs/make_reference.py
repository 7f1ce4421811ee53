"""Write docs/commands.md from the commands' own help, and docs/api.md from the docstrings.

Run from the project's root: ``python docs/make_reference.py``. A test fails when it is needed.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import click

import audiorec
from audiorec.cli import COMMANDS, cli

DOCS = Path(__file__).parent
PATH = (
    "data",
    "scan",
    "audio",
    "mel",
    "factors",
    "models",
    "training",
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
"""Packages in the order in which a track passes through them; the others come last."""


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
    """The public API: what packages name, in the order of the path, with examples."""
    lines = [
        "# Python API",
        "",
        "Public is what a package names: `from audiorec.recommend import Library`. Everything else",
        "may change without notice. Packages stand in the order of the path, from files and plays",
        "to answers, then what judges and stores them. Examples run as tests.",
        "",
    ]
    shown: set[int] = set()
    for package in packages():
        constants = []
        lines += [
            f"{'###' if package.count('.') > 1 else '##'} {package}",
            "",
            summary(package),
            "",
        ]
        members = [(name, getattr(sys.modules[package], name)) for name in names_of(package)]
        for name, member in members:
            if inspect.isclass(member) or inspect.isfunction(member):
                lines.append(f"- `{name}`: {first_line(member)}")
            else:
                constants.append(f"`{name}`")
        lines += [f"- Values: {', '.join(constants)}"] if constants else []
        lines.append("")
        for _, member in members:
            lines += example(member) if id(member) not in shown else []
            shown.add(id(member))
    return "\n".join(lines)


def packages() -> list[str]:
    """Packages that name a public API, in the order of the path; commands have another page."""
    walked = pkgutil.walk_packages(audiorec.__path__, "audiorec.")
    inner = [info.name for info in walked if info.ispkg and info.name != "audiorec.cli"]
    return sorted(filter(names_of, ["audiorec", *inner]), key=_place)


def names_of(package: str) -> list[str]:
    """The public names of a package."""
    return list(getattr(importlib.import_module(package), "__all__", ()))


def _place(package: str) -> tuple[int, str]:
    """Order of a package: by the part of the path that it belongs to, then by name."""
    if package == "audiorec":
        return (-1, package)
    step = package.split(".")[1]
    return (PATH.index(step) if step in PATH else len(PATH), package)


def summary(package: str) -> str:
    """First line of a package's docstring."""
    return first_line(sys.modules[package])


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
