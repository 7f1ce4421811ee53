"""Kinds of playlists, one module each."""
