"""Names and messages as they are printed: one line, whatever is in them."""

from __future__ import annotations

import unicodedata


def one_line(text: str) -> str:
    """A text with its line breaks and unprintable bytes written out, so that it is one line."""
    return "".join(c if c.isprintable() or _is_space(c) else _written_out(c) for c in text)


def bounded(text: str, *, most: int = 1000) -> str:
    """A line of an error: its two ends where a name that it repeats makes it longer than `most`."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end]} ... {text[-end:]}"


def _is_space(char: str) -> bool:
    """Whether it is a space of any width, or joins letters: scripts other than Latin need both."""
    return unicodedata.category(char) == "Zs" or char in "\u200c\u200d"


def _written_out(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte of a file's name that is no text
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
