"""A server in a process of its own."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys

from ...waiting import wait_until


class Server:
    """The server of a workspace, as `audiorec serve` starts it."""

    def __init__(self, workspace, *arguments: str) -> None:
        self.log = workspace.root.parent / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "audiorec", "-w", str(workspace.root), "serve",
                 "--port", "0", *arguments], stderr=log
            )  # fmt: skip
        wait_until(
            lambda: b"serving on" in self.log.read_bytes() or self.process.poll() is not None
        )
        assert self.process.poll() is None, self.log.read_text()
        self.port = int(self.log.read_bytes().split(b"serving on http://127.0.0.1:")[1].split()[0])

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if body is not None else {}
        connection.request("POST" if body is not None else "GET", path, content, kind | headers)
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    def stop(self) -> int:
        """End it as systemd does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)
