"""Listening: stored plays, and the matrix of listeners and tracks that they make."""
