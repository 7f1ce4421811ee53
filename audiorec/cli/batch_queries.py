"""Batch queries in one process: one name per line in, one line of JSON each out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from audiorec.cli.answers import report_shortfall
from audiorec.cli.output import echo_line, json_text
from audiorec.exceptions import NotFoundError
from audiorec.printable_text import one_line

if TYPE_CHECKING:
    from audiorec.recommend import Library, Space

TOGETHER = 256  # queries searched for at once
NO_TEXT = "the line is not UTF-8 text; save the file as UTF-8"


def answer_batch(
    library: Library,
    lines: Iterable[str],
    *,
    k: int,
    space: Space,
    popularity: float,
    versions: bool = False,
) -> bool:
    """Answer every line as it arrives, in order, and continue where a name matches no track.

    Answers with fewer than `k` tracks are reported once, at the end, on stderr.

    Parameters
    ----------
    library : Library
    lines : iterable of str
        One name each; an empty line is answered without results, so that output lines
        correspond to input lines. Bytes that are not UTF-8 are escaped as in Python's file
        names (surrogateescape).
    k, space, popularity, versions
        See `Library.similar`.

    Returns
    -------
    well : bool
        Whether every line could be answered (a failed line says why under "error") with as many
        tracks as requested, see `report_shortfall`.
    """
    unknown, short, fewest = 0, 0, k
    if stale := library.stale:
        echo_line(stale, err=True)
    for some in chunks(line.rstrip("\r\n") for line in lines):
        queries = [[name] for name in some if name.strip()]
        answers = iter(
            library.similar_many(
                queries, k=k, space=space, popularity=popularity, versions=versions
            )
        )
        for name in some:
            line: dict[str, object] = {"query": [name], "stale": bool(stale), "space": space}
            if not name.strip():
                line["results"] = []
            elif isinstance(answer := next(answers), list):
                line["results"] = [hit._asdict() for hit in answer]
                short, fewest = short + (len(answer) < k), min(fewest, len(answer))
            else:
                unread = isinstance(answer, NotFoundError) and not is_text(name)
                line["error"] = NO_TEXT if unread else one_line(str(answer))
                unknown += 1
            click.echo(json_text(line))
    if not short:
        return not unknown
    answered = "1 line has" if short == 1 else f"{short} lines have"
    there = f"{answered} fewer matching tracks, at least {fewest}"
    beyond = report_shortfall(k, lambda: len(library.catalog), fewest=fewest, there=there)
    return not (unknown or beyond)


def is_text(name: str) -> bool:
    """Whether a name is valid UTF-8."""
    return not any("\udc80" <= char <= "\udcff" for char in name)


def chunks(names: Iterable[str]) -> Iterator[list[str]]:
    """Split into batches: the first name alone, for whoever types it; then doubling up to 256."""
    names, size = iter(names), 1
    while some := list(islice(names, size)):
        yield some
        size = min(2 * size, TOGETHER)
