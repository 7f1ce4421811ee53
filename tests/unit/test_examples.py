"""The examples of the docstrings, which stand in docs/api.md, run and answer as they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import audiorec

ROOT = Path(audiorec.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if "    Examples\n    --------\n" in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted and not done.failed
