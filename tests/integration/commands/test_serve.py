"""The command ``serve``; what it serves is tested in ``tests/unit/serve``."""

from __future__ import annotations

import pytest

from ..helpers import call, failed


def test_users_have_commands_of_their_own():
    answer = call("serve", "user", "--help")
    assert answer.code == 0
    assert all(name in answer.out for name in ("add", "key", "list", "remove"))


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none(tmp_path, port):
    assert call("-w", tmp_path, "serve", "--port", port).code == 2


def test_an_address_of_others_needs_a_user(finished):
    pytest.importorskip("uvicorn", reason="serving needs the extra 'serve'")
    failed(call("-w", finished, "serve", "--host", "0.0.0.0", "--port", "0"), "user")
