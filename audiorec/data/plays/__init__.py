"""Listening: stored plays, and their matrix of listeners and tracks."""
