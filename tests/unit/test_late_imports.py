"""Imports inside functions: each saves start-up time, and says how."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import audiorec

ROOT = Path(audiorec.__file__).parent
Import = ast.Import | ast.ImportFrom


class Module(NamedTuple):
    """A module's imports: what its own import loads, and those inside its functions."""

    path: Path
    first: set[str]
    late: list[Import]

    def at(self, node: Import) -> str:
        return f"{self.path.relative_to(ROOT.parent)}:{node.lineno}: {ast.unparse(node)}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> dict[str, Path]:
    return {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text("utf-8")) for name, path in sources().items()}


@cache
def lazy() -> dict[str, dict[str, str]]:
    """Of packages that import names when they are asked for: the module that has each."""
    return {
        name: {
            attribute: module
            for module, attributes in ast.literal_eval(statement.value.args[1]).items()
            for attribute in attributes
        }
        for name, tree in trees().items()
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) == "lazy_attributes"
    }


def imports(statements: Iterable[ast.AST], *, late: bool = False) -> Iterator[tuple[Import, bool]]:
    """Import statements that run, and whether a function runs them."""
    for statement in statements:
        if isinstance(statement, Import):
            yield statement, late
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from imports(statement.orelse, late=late)
        else:
            inside = late or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from imports(getattr(statement, field, ()), late=inside)


def loaded_by(node: Import) -> set[str]:
    """Modules that an import statement loads, and names of other libraries that it takes."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    assert node.module is not None
    found = set()
    for alias in node.names:
        name = f"{node.module}.{alias.name}"
        if alias.name in lazy().get(node.module, ()):
            found.add(f"{node.module}.{lazy()[node.module][alias.name]}")
        elif name in trees() or node.module not in trees():
            found.add(name)  # of another library: perhaps a module of its own
        else:
            found.add(node.module)
    return found


@cache
def modules() -> dict[str, Module]:
    found = {}
    for name, tree in trees().items():
        found[name] = Module(sources()[name], set(), [])
        for node, late in imports(tree.body):
            if late:
                found[name].late.append(node)
            else:
                found[name].first.update(loaded_by(node))
    return found


def loaded_with(name: str) -> set[str]:
    """All that importing a module loads, its packages among them."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):
            part = ".".join(parts[:end])
            if part not in seen:
                seen.add(part)
                if part in modules():
                    waiting += modules()[part].first
    return seen


def test_an_import_in_a_function_loads_what_is_not_there_yet():
    """It would save nothing otherwise: at the module's top it costs no more."""
    idle = [
        module.at(node)
        for name, module in modules().items()
        if module.late
        for loaded in [loaded_with(name)]
        for node in module.late
        if loaded_by(node) & loaded
    ]
    assert not idle, "move to the top of the module:\n" + "\n".join(idle)


def test_an_import_in_a_function_says_why():
    """In a comment that begins with "here:", or once for a module; `audiorec.cli` says it once."""
    silent = []
    for name, module in modules().items():
        text = module.path.read_text("utf-8")
        if "\n# Imports in functions: " in text or name.startswith("audiorec.cli."):
            continue
        lines, said = text.splitlines(), 0
        for node in module.late:
            above = "\n".join(lines[node.lineno - 2 : node.end_lineno])
            # What stands right below another import is meant by the same words.
            between = "".join(lines[said : node.lineno - 1]).strip()
            if "# here: " in above or (said and not between):
                said = node.end_lineno or node.lineno
            else:
                silent.append(module.at(node))
    assert not silent, "say what it saves, '# here: it loads torch':\n" + "\n".join(silent)
