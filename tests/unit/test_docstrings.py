"""First lines of public docstrings are noun or verb phrases, not relative clauses."""

import ast
import re
from pathlib import Path

import audiorec

ROOT = Path(audiorec.__file__).parent
CLAUSE = re.compile(r"(What|How|Which|Where|Whose|Who|That)\b")


def documented(node, name):
    """Yield name and docstring of a module, and of its public classes and functions."""
    yield name, ast.get_docstring(node) or ""
    for child in node.body:
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if child.name.startswith("_"):
            continue
        if isinstance(child, ast.ClassDef):
            yield from documented(child, f"{name}.{child.name}")
        else:
            yield f"{name}.{child.name}", ast.get_docstring(child) or ""


def clauses(source, name):
    return [full for full, text in documented(ast.parse(source), name) if CLAUSE.match(text)]


def test_finds_relative_clauses():
    source = '''"""What a server is made of."""

class Reader:
    """Reader of tables."""

    async def read(self):
        """Which rows a table has."""

    def _rows(self):
        """How many rows there are."""

def whole():
    """Whether all rows were read."""
'''
    assert clauses(source, "table") == ["table", "table.Reader.read"]


def test_no_public_docstring_opens_with_a_relative_clause():
    found = [
        full
        for path in sorted(ROOT.rglob("*.py"))
        for full in clauses(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    ]
    assert not found
