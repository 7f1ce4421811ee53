"""Names and messages on one line, whatever they contain."""

from __future__ import annotations

import unicodedata


def one_line(text: str) -> str:
    """Escape line breaks and unprintable bytes in a text, so that it is one line."""
    return "".join(c if c.isprintable() or _is_space(c) else _written_out(c) for c in text)


def bounded(text: str, *, most: int = 1000) -> str:
    """Shorten a line of an error to its two ends, if a repeated name exceeds `most`."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end]} ... {text[-end:]}"


def _is_space(char: str) -> bool:
    """Whether a character is a space of any width, or joins letters, as in non-Latin scripts."""
    return unicodedata.category(char) == "Zs" or char in "\u200c\u200d"


def _written_out(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # Python's form of an undecodable byte in a file's name
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
