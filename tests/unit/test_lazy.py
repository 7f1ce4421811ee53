"""What packages name: their public API, some of it imported when it is asked for."""

import importlib
import pkgutil

import pytest

import audiorec

PACKAGES = [
    info.name
    for info in pkgutil.walk_packages(audiorec.__path__, "audiorec.")
    if info.ispkg and hasattr(importlib.import_module(info.name), "__all__")
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
