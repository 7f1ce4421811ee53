from __future__ import annotations

import gc

import pytest

from audiorec.cli.imports_without_gc import without_garbage_collection


def test_imports_are_not_searched_for_garbage_and_what_comes_after_them_is(monkeypatch):
    frozen = [0]
    monkeypatch.setattr(gc, "get_freeze_count", lambda: frozen[0])
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(frozen.pop() + 1))
    with pytest.raises(ImportError), without_garbage_collection():
        assert not gc.isenabled()
        raise ImportError("no such module")
    assert gc.isenabled()
    assert frozen == [1]
    with (
        without_garbage_collection()
    ):  # of a second command of one process, little is left to import
        assert gc.isenabled()
    assert frozen == [1]
