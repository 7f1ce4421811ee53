"""The server process: uvicorn, its log and its shutdown."""

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
STOP_SECONDS = 10  # for answers in progress when the server is stopped


def run_server(app: FastAPI, settings: ServeSettings) -> None:
    """Serve until SIGTERM or Ctrl-C; answers in progress are finished.

    Raises
    ------
    ParameterError
        If the server cannot listen on the address.
    """
    bound = listen(settings.host, settings.port)
    set_up_log()
    # Answers have threads of their own; those of BLAS would only wait for each other.
    threadpool_limits(1)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the access middleware logs requests itself
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_keep_alive=15,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=64 << 10,
        ws="none",
    )
    server = _Server(config, bound)

    def end(*_: object) -> None:
        if not server.started:  # else uvicorn ended in order, and raises the signal again
            sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.run(sockets=[bound])


class _Server(uvicorn.Server):
    """A uvicorn server that reports its address once it listens."""

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
    """Open a listening socket."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, number)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise ParameterError(
            f"{host}:{port} cannot be used: {system_reason(error).lower()}; give another "
            "--host or --port"
        ) from None
    bound.set_inheritable(True)
    return bound


def set_up_log() -> None:
    """Set up logging on stderr: a line with time and level for each request and error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("audiorec.serve", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO if name == "audiorec.serve" else logging.WARNING)
