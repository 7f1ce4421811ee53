"""Web pages, rendered on the server, with a few small scripts."""

from audiorec.serve.pages.routes import routes

__all__ = ["routes"]
