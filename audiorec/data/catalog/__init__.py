"""The catalogue: tracks, their names, words and measures, and which of them no answer shows."""
