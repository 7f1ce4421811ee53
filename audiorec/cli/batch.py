"""Many questions in one process: a name a line in, a line of JSON each out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from audiorec.library import Library
    from audiorec.spaces import Space

TOGETHER = 256  # questions that are searched for at once


def answer_batch(
    library: Library, lines: Iterable[str], *, k: int, space: Space, popularity: float
) -> int:
    """Answer every line as it comes, in order, and go on where a name fits no track.

    Parameters
    ----------
    library : Library
    lines : iterable of str
        A name each; empty lines are passed over.
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
                line["error"] = str(answer)
                unknown += 1
            click.echo(json.dumps(line, ensure_ascii=False))
    return unknown


def chunks(names: Iterable[str]) -> Iterator[list[str]]:
    """The first alone, since whoever types waits for it; then twice as many, up to 256."""
    names, size = iter(names), 1
    while some := list(islice(names, size)):
        yield some
        size = min(2 * size, TOGETHER)
