"""Packages that import their names when they are asked for."""

import importlib

import pytest


@pytest.mark.parametrize("package", ["mel", "playlist", "tagging"])
def test_every_public_name_is_there_and_no_other(package):
    module = importlib.import_module(f"audiorec.{package}")
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match=f"module 'audiorec.{package}' has no attribute 'x'"):
        module.x  # noqa: B018
