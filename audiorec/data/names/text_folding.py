"""Folding of names for comparison, and the full name "Artist - Title" of a track."""

from __future__ import annotations

import unicodedata


def normalize_text(text: str) -> str:
    """Fold a text for comparison: case, width, composition of accents and spaces do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def full_name(artist: str, title: str) -> str:
    """``"Artist - Title"``, or the title alone if no artist is known."""
    return f"{artist} - {title}" if artist else title


def strip_accents(text: str) -> str:
    """Remove the accents of a folded text, as typed on keyboards that lack them."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
