"""The server's process: uvicorn, its log, and its end."""

from __future__ import annotations

import logging
import signal
import socket
import sys

import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from audiorec.exceptions import ParameterError, system_reason
from audiorec.serve.config import ServeSettings

MOST_CONNECTIONS = 1024
STOP_SECONDS = 10  # that answers under way have when the server is stopped


def run_server(app: FastAPI, settings: ServeSettings) -> None:
    """Serve until SIGTERM or Ctrl-C; answers that are under way are finished.

    Raises
    ------
    ParameterError
        If the address cannot be listened on.
    """
    bound = listen(settings.host, settings.port)
    set_up_log()
    # Answers go on in threads of their own; those of BLAS would only wait for each other.
    threadpool_limits(1)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the access middleware writes a line of its own
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_keep_alive=15,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=64 << 10,
        ws="none",
    )
    server = _Server(config, bound)

    def end(*_: object) -> None:
        if not server.started:  # else uvicorn has ended it in order, and says so again
            sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.run(sockets=[bound])


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket) -> None:
        super().__init__(config)
        self._bound = bound

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            host, port = self._bound.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"serving on http://{shown}:{port}", file=sys.stderr, flush=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, number)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise ParameterError(
            f"{host}:{port} cannot be listened on: {system_reason(error).lower()}; give another "
            "--host or --port"
        ) from None
    bound.set_inheritable(True)
    return bound


def set_up_log() -> None:
    """A line with time and level for each request and each thing that goes wrong, on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("audiorec.serve", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO if name == "audiorec.serve" else logging.WARNING)
