"""A server in a process of its own, and what goes wrong around it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from audiorec.data.catalog import Catalog
from audiorec.recommend import Library

from ...waiting import wait_until
from .conftest import make_workspace, put_index
from .requests_mutated import memory_of, send_mutated
from .running import Server

API = "/api/v1"


@pytest.fixture(scope="module")
def made(tmp_path_factory, write_audio):
    return make_workspace(tmp_path_factory.mktemp("served"), write_audio)


@pytest.fixture(scope="module")
def server(made):
    server = Server(made)
    yield server
    if server.process.poll() is None:
        server.stop()


def path_of(workspace, track_id: str) -> Path:
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return Path(catalog.get(track_id).path)


def test_an_index_replaced_under_load_fails_no_answer(server, made):
    failed: list[object] = []
    stop = threading.Event()

    def ask(start: int) -> None:
        number = start
        while not stop.is_set():
            status, body = server.ask(f"{API}/similar?seed=t{number % 40:02d}&k=5")
            if status != 200 or len(json.loads(body)["results"]) != 5:
                failed.append((status, body))
            number += 1

    threads = [threading.Thread(target=ask, args=(10 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for seed in (1, 2, 3):
        put_index(made, seed)
        time.sleep(0.7)
    wanted = [hit.track_id for hit in Library(made).similar(["t03"], k=5)]

    def served() -> list[str]:
        _, body = server.ask(f"{API}/similar?seed=t03&k=5")
        return [hit["track_id"] for hit in json.loads(body)["results"]]

    try:
        wait_until(lambda: served() == wanted)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed


@pytest.mark.parametrize("cut", [False, True])
def test_a_file_that_goes_while_it_is_streamed(server, made, cut):
    """Removed, it is sent to its end; cut short, the connection ends, and the server goes on."""
    path = path_of(made, "t08" if cut else "t09")
    content = os.urandom(12_000_000)
    path.write_bytes(content)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        name = "t08" if cut else "t09"
        connection.sendall(
            f"GET {API}/audio?id={name} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        got = connection.recv(65_536)
        os.truncate(path, 1_000_000) if cut else path.unlink()
        while block := connection.recv(1 << 20):
            got += block
    body = got.partition(b"\r\n\r\n")[2]
    assert content.startswith(body)
    assert (len(body) < len(content)) == cut
    assert server.ask(f"{API}/audio?id={name}")[0] == (200 if cut else 410)
    assert b"Traceback" not in server.log.read_bytes()


def test_mutated_requests_break_nothing(server, made):
    before = memory_of(server.process.pid)
    codes, leaks = send_mutated(server.port, made, n=1500, seed=0)
    assert not leaks
    assert not {code: n for code, n in codes.items() if code >= 500}, codes
    assert codes[200] > 50 and codes[0] < 200  # which had no answer
    assert memory_of(server.process.pid) < before + 60
    assert server.ask(f"{API}/find?q=song")[0] == 200


def test_requests_that_break_off_leave_no_trace(server):
    for path in (f"{API}/similar", "/login", "/rest/ping", f"{API}/similar/upload"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            kind = "multipart/form-data; boundary=x" if "upload" in path else "application/json"
            kind = "application/x-www-form-urlencoded" if path[1] in "lr" else kind
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
                "Content-Length: 1000\r\n\r\n--x".encode()
            )
            time.sleep(0.2)
    time.sleep(0.5)
    assert server.ask("/healthz")[0] == 200
    assert "Traceback" not in server.log.read_text()


def test_a_workspace_that_is_moved_away_and_back(server, made):
    elsewhere = made.root.with_name("elsewhere")
    made.root.rename(elsewhere)
    assert server.ask("/healthz")[0] == 503
    status, body = server.ask(f"{API}/listening", {"kind": "like", "id": "t01"})
    assert status == 503 and b"nothing was stored" in body
    assert server.ask(f"{API}/similar?seed=t03&k=5")[0] in (200, 409, 503)
    assert not made.root.exists()
    elsewhere.rename(made.root)
    assert server.ask("/healthz")[0] == 200
    assert server.ask(f"{API}/listening", {"kind": "like", "id": "t01"})[0] == 200
    assert server.ask(f"{API}/similar?seed=t03&k=5")[0] == 200


def test_a_stop_finishes_what_is_under_way(server, made):
    path_of(made, "t10").write_bytes(os.urandom(12_000_000))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"{API}/audio?id=t10")
    answer = connection.getresponse()
    got = len(answer.read(100_000))
    server.process.send_signal(signal.SIGTERM)
    got += len(answer.read())
    assert got == 12_000_000
    assert server.process.wait(timeout=60) == 0
    log = server.log.read_text()
    assert "Traceback" not in log
    line = next(line for line in log.splitlines() if "GET /api/v1/find 200" in line)
    assert "127.0.0.1 me" in line and "q=" not in line
