"""Pages for a browser, made on the server; small scripts of our own go on from there."""

from audiorec.serve.pages.routes import routes

__all__ = ["routes"]
