"""Web pages, rendered on the server, with a few small scripts."""

from audiorec.serve.pages.routes import page_routes

__all__ = ["page_routes"]
