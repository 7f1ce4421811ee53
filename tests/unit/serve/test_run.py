"""The server's process, here in this one: where it listens, what it says, how it ends."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import socket
import threading
import urllib.request

import pytest
from threadpoolctl import threadpool_limits

from audiorec.cli import cli
from audiorec.exceptions import ParameterError
from audiorec.serve.run import listen

from ...waiting import wait_until


@pytest.fixture
def own_process(monkeypatch, caplog):
    """What a server sets for its whole process is as it was afterwards."""
    for name in ("audiorec.serve", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        caplog.set_level(logger.level, logger=name)
        for attribute in ("handlers", "propagate"):
            monkeypatch.setattr(logger, attribute, getattr(logger, attribute))
    handlers = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
    }
    with threadpool_limits():
        yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_it_says_where_it_serves_answers_logs_and_ends_at_sigterm(workspace, own_process):
    said = io.StringIO()
    answers = []

    def ask_and_stop() -> None:
        try:
            wait_until(lambda: "serving on" in said.getvalue())
            url = said.getvalue().split("serving on ")[1].split()[0]
            with urllib.request.urlopen(f"{url}/healthz", timeout=60) as answer:
                answers.append((url, answer.status, answer.headers.get("server")))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask_and_stop)
    asking.start()
    with contextlib.redirect_stderr(said):
        cli(["-w", str(workspace.root), "serve", "--port", "0"], standalone_mode=False)
    asking.join()
    (url, status, server) = answers[0]
    assert url.startswith("http://127.0.0.1:") and status == 200 and server is None
    line = said.getvalue().splitlines()[-1]
    assert "INFO GET /healthz 200" in line and line.endswith("127.0.0.1 me")


def test_an_address_that_is_taken_or_none_is_named_with_the_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ParameterError, match=rf"127.0.0.1:{port} .* in use.*another --host or"):
            listen("127.0.0.1", port)
    with pytest.raises(ParameterError, match=r"no.such.invalid:80 cannot be used"):
        listen("no.such.invalid", 80)
