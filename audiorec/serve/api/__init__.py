"""The HTTP API under ``/api/v1``: the library calls of the command line, as JSON."""

from audiorec.serve.api.routes import add_api

__all__ = ["add_api"]
