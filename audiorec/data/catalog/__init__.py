"""The catalogue of tracks, with their names, tags and descriptors."""
