"""Listening histories as other programs export them: one module a format."""
