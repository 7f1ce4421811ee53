"""What tests of several commands share."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import polars as pl

from audiorec.cli import main
from audiorec.data.catalog import Catalog

from ..waiting import wait_until


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Answer:
    """Run a command in this process, as the console script would."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        mock.patch.object(sys, "argv", ["audiorec", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    return Answer(int(code or 0), out.getvalue(), err.getvalue())


def spawn(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """Run a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "audiorec", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[arg-type]
    )


def kill_while_plays_are_written(workspace: Path, *arguments: object) -> None:
    """Kill a command, and the processes it has started, once it has begun to write plays."""
    process = spawn("-w", workspace, *arguments)

    def has_begun() -> bool:
        assert process.poll() is None, "it had ended before it was killed"
        return any((workspace / "plays").glob(".import-*"))

    wait_until(has_begun, every=0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def tracks_csv(world):
    return pl.read_csv(world.tracks_csv)


def answer_json(*arguments):
    answer = call(*arguments, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def every(workspace):
    """As many as there are tracks."""
    with Catalog(workspace / "catalog.sqlite", read_only=True) as catalog:
        return str(len(catalog))


def failed(answer, *words, code=1):
    """Check that a command said what is wrong in one line."""
    assert answer.code == code, (answer.out, answer.err)
    lines = [line for line in answer.err.splitlines() if line.strip()]
    message = lines[-1]
    assert "Traceback" not in answer.err
    for word in words:
        assert str(word) in message, (word, answer.err)
    return message


def snapshot(workspace: Path) -> dict[str, bytes]:
    """Every stored file but SQLite's and the lock's own."""
    return {
        str(path.relative_to(workspace)): path.read_bytes()
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and not path.name.startswith((".lock", "catalog.sqlite"))
    }


def flip(content: bytes, place: float) -> bytes:
    """One bit the other way, `place` of the way through."""
    flipped = bytearray(content)
    flipped[int(place * (len(content) - 1))] ^= 1 << int(place * 7919) % 8
    return bytes(flipped)


HARMS: dict[str, Callable[[bytes, float], bytes | None]] = {
    "flipped": flip,
    "cut": lambda content, place: content[: int(place * len(content))],
    "gone": lambda _content, _place: None,
}


def harm(path: Path, how: str, place: float) -> None:
    content = HARMS[how](path.read_bytes(), place)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


MADE = ("factors", "model", "embeddings", "index", "mels", "plays")


def made(workspace):
    """What stages and imports have left, without the recipe, reports and kept scores."""
    return {name: content for name, content in snapshot(workspace).items() if name.startswith(MADE)}


def asked(recipe, tmp_path, **changes):
    """The recipe with lines added to its sections."""
    text = recipe.read_text()
    for section, line in changes.items():
        text = text.replace(f"[{section}]\n", f"[{section}]\n{line}\n")
    file = tmp_path / "asked.toml"
    file.write_text(text)
    return file


FIXTURES = Path(__file__).parents[1] / "data" / "histories"


SONGS = {
    "Nina Simone/I Put a Spell on You/04 Feeling Good.wav": ("Nina Simone", "Feeling Good", 177),
    "Björk/Homogenic/02 Jóga.wav": ("Björk", "Jóga", 305),
    "The Beatles/Abbey Road/07 Here Comes the Sun.wav": ("The Beatles", "Here Comes the Sun", 185),
    "Radiohead/Kid A/08 Idioteque.wav": ("Radiohead", "Idioteque", 309),
}


LONE = (
    "spotify", "spotify-short", "listenbrainz", "rockbox", "itunes", "apple-music",
    "youtube-music", "jellyfin", "foobar2000", "mpd", "beets",
)  # fmt: skip


SR = 8000


HEAD = "user_id,track_id,plays,timestamp"


def ring(ids, n_sessions=80):
    """Sessions that go round a ring of tracks, an hour apart, as CSV."""
    rng = np.random.default_rng(0)
    lines = [HEAD]
    for number, start in enumerate(rng.integers(len(ids), size=n_sessions)):
        for step in range(4):
            track = ids[(start + step) % len(ids)]
            lines.append(f"me,{track},1,{1_700_000_000 + number * 7200 + 200 * step}")
    return "\n".join(lines) + "\n"


def ask(workspace, *words):
    answer = call("-w", workspace, "next", *words, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


LATIN = os.fsdecode(b"lat\xe9.wav")


WORDS = ("guitar", "piano", "sad", "harp")


def similar(workspace, *arguments):
    answer = call("-w", workspace, "similar", *arguments, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)["results"]
