"""Many questions in one process: a name a line in, a line of JSON each out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from audiorec.cli.common import json_text
from audiorec.exceptions import NotFoundError
from audiorec.workers import one_line

if TYPE_CHECKING:
    from audiorec.library import Library
    from audiorec.spaces import Space

TOGETHER = 256  # questions that are searched for at once
NO_TEXT = "the line is not UTF-8 text; save the file as UTF-8"


def answer_batch(
    library: Library, lines: Iterable[str], *, k: int, space: Space, popularity: float
) -> int:
    """Answer every line as it comes, in order, and go on where a name fits no track.

    Parameters
    ----------
    library : Library
    lines : iterable of str
        A name each; empty lines are passed over. Bytes that are not UTF-8 are as Python carries
        them in names of files.
    k, space, popularity
        See `Library.similar`.

    Returns
    -------
    unknown : int
        How many could not be answered; their lines say why, under "error".
    """
    names = (line.rstrip("\r\n") for line in lines)
    unknown = 0
    for some in chunks(name for name in names if name.strip()):
        answers = library.similar_many(
            [[name] for name in some], k=k, space=space, popularity=popularity
        )
        for name, answer in zip(some, answers, strict=True):
            line: dict[str, object] = {"query": [name], "space": space}
            if isinstance(answer, list):
                line["results"] = [hit._asdict() for hit in answer]
            else:
                unread = isinstance(answer, NotFoundError) and not is_text(name)
                line["error"] = NO_TEXT if unread else one_line(str(answer))
                unknown += 1
            click.echo(json_text(line))
    return unknown


def is_text(name: str) -> bool:
    """Whether a name is UTF-8 throughout."""
    return not any("\udc80" <= char <= "\udcff" for char in name)


def chunks(names: Iterable[str]) -> Iterator[list[str]]:
    """The first alone, since whoever types waits for it; then twice as many, up to 256."""
    names, size = iter(names), 1
    while some := list(islice(names, size)):
        yield some
        size = min(2 * size, TOGETHER)
