"""Catalogue of tracks, plays of listeners, and their splits."""
