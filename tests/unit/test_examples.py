"""The examples of the docstrings, which stand in docs/api.md, run and answer as they say."""

import doctest
import importlib

import pytest

MODULES = (
    "workspace",
    "data.catalog.catalog",
    "data.plays.interactions",
    "mel.transform",
    "factors.als",
    "embeddings",
    "index.build",
    "recommend.retrieval",
    "recommend.library",
    "playlist.writers",
    "pipeline.recipe",
    "metrics.accuracy",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = doctest.testmod(importlib.import_module(f"audiorec.{name}"))
    assert done.attempted and not done.failed
