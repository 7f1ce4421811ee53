"""What packages name: their public API, some of it imported when it is asked for."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import audiorec

PACKAGES = [
    "audiorec",
    *(
        info.name
        for info in pkgutil.walk_packages(audiorec.__path__, "audiorec.")
        if info.ispkg and hasattr(importlib.import_module(info.name), "__all__")
    ),
]
LAZY = [name for name in PACKAGES if hasattr(importlib.import_module(name), "__getattr__")]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_and_is_no_module(package):
    """A module of that name would take its place, once it is imported."""
    module = importlib.import_module(package)
    modules = {info.name for info in pkgutil.iter_modules(module.__path__)}
    assert not modules & set(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)


@pytest.mark.parametrize("package", LAZY)
def test_no_other_name_is_there(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'x'"):
        importlib.import_module(package).x  # noqa: B018


def test_other_packages_import_public_names_from_the_package():
    """Modules of the same package import each other directly."""
    root = Path(audiorec.__file__).parent
    inner = []
    for file in sorted(root.rglob("*.py")):
        importer = ".".join(file.relative_to(root.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            package = max((p for p in PACKAGES if node.module.startswith(f"{p}.")), default="")
            if not package or importer.startswith(f"{package}."):
                continue
            public = importlib.import_module(package).__all__
            inner += [
                f"{file}:{node.lineno}: from {package} import {alias.name}"
                for alias in node.names
                if alias.name in public
                and getattr(importlib.import_module(package), alias.name)
                is getattr(importlib.import_module(node.module), alias.name)
            ]
    assert not inner, "\n".join(inner)
