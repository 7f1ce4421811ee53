"""Put the arithmetic of docs/scaling.md into the page, from what was measured.

``python docs/make_scaling.py [RESULTS]``, from the project's root. RESULTS is what
``python -m pytest tests/benchmarks/test_stages_cost.py -m benchmark -s`` left, such as
``bench-results/stages.json``; without it, what was measured last and lies in docs/scaling.json.
Every figure of the tables follows from that file, from the configuration's defaults and from what
is assumed below. A test fails when the page lags.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

from audiorec.audio import MelConfig
from audiorec.audio.fingerprint import n_words
from audiorec.factors import FactorsConfig
from audiorec.index import IndexConfig
from audiorec.index.plan import EXACT_BELOW, make_plan, structure_bytes
from audiorec.mel.compute import GROW_AFTER, GROW_TIMES, shard_tracks

DOCS = Path(__file__).parent
PAGE, FIGURES = DOCS / "scaling.md", DOCS / "scaling.json"
BEGIN, END = "<!-- arithmetic: begin -->", "<!-- arithmetic: end -->"
SIZES = (1_000_000, 100_000_000)
# What is assumed of a catalogue and of machines: nothing here is measured.
PLAYS_PER_TRACK = 30  # pairs of a listener and a track
TRACKS_PER_LISTENER = 50
SONG_BYTES = 240 * 128_000 // 8  # four minutes of MP3 at 128 kbit/s
CORES = 32  # of one machine
DAY = 24.0  # h
WORKSPACE = 1_000_000  # tracks in each, and that are learned from


def page() -> str:
    """The page with its arithmetic made anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    told = json.loads(FIGURES.read_text(encoding="utf-8"))
    return f"{before}{BEGIN}\n\n{arithmetic(told)}\n{END}{after}"


def arithmetic(told: dict[str, Any]) -> str:
    """Every table."""
    found = told["figures"]
    parts = [measured(told), hours(found), storage(found), memory(found), changes(found)]
    return "\n".join([summary(found), *parts])


def summary(found: dict[str, float]) -> str:
    """What it comes to, in words."""
    lines = []
    for n in SIZES:
        total = sum(cost.seconds for cost in costs(found, n)) / 3600
        stored = sum(per for _, per in stored_bytes(found).values()) - SONG_BYTES
        lines.append(
            f"- **{n:,} tracks**: {number(total)} core-hours, {number(machine_hours(found, n))} "
            f"hours of one machine with {CORES} cores, or a day of {machines(found, n)}; "
            f"{size(stored * n)} beside the music."
        )
    return "\n".join([*lines, ""])


def measured(told: dict[str, Any]) -> str:
    """What a unit of work costs, and where that was found."""
    found, on = told["figures"], told["machine"]
    rows = [
        ("`scan`, a song of 4 minutes (MP3)", f"{milli(found['scan_cpu_s'])} ms"),
        (
            "`mel`, a clip of 30 s whose spectrogram `scan` has computed",
            f"{milli(found['mel_cpu_s'])} ms",
        ),
        (
            "`train`, a track: 25 epochs of the network of `scratch`",
            f"{milli(found['train_cpu_s'])} ms",
        ),
        ("`embed`, a track", f"{milli(found['embed_cpu_s'])} ms"),
        ("`factors`, a play, all sweeps", f"{1e6 * found['factors_cpu_s']:.1f} us"),
        ("`index`, a vector into a graph (HNSW)", f"{1e6 * found['hnsw_cpu_s']:.0f} us"),
        ("`index`, a vector into inverted lists", f"{1e6 * found['ivf_cpu_s']:.0f} us"),
        (
            "`index`, a fingerprint compared with all others",
            f"{1e6 * found['duplicates_cpu_s_per_track']:.0f} us",
        ),
        (
            "`mel`, a shard of tracks stored, for each shard that is there already",
            f"{1e6 * found['commit_cpu_s_per_shard']:.0f} us",
        ),
        ("catalogue, a track", f"{found['catalog_bytes']:.0f} bytes"),
        ("largest process of `scan`, `mel`, `embed`", peaks(found)),
    ]
    return table(
        "### What was measured",
        f"{told['date']} UTC, {on['cpu']}, {on['cores']} cores, Python {on['python']}, load "
        f"{on['load']}; `{told['command']}`. Processor time, without start-up.",
        ["", "one core takes"],
        rows,
    )


class Cost(NamedTuple):
    """What a stage takes: its name, how that is counted, one core's seconds, cores it can use."""

    stage: str
    arithmetic: str
    seconds: float
    ways: float


def costs(found: dict[str, float], n: int) -> list[Cost]:
    """What each stage takes with `n` tracks, in workspaces of a million."""
    workspaces = max(1, n // WORKSPACE)
    each, learned = n // workspaces, min(n, WORKSPACE)
    shards = count_shards(each)
    commit = found["commit_cpu_s_per_shard"]
    copies, play = found["duplicates_cpu_s_per_track"], found["factors_cpu_s"]
    kind, vector = vectors_cost(found, n)
    many = "" if workspaces == 1 else f" x {workspaces}"
    return [
        Cost("`scan`", *times(n, found["scan_cpu_s"]), CORES),
        Cost("`mel`", *times(n, found["mel_cpu_s"]), CORES),
        Cost(
            "`mel`, shards stored",
            f"{shards:,}^2 / 2 x {1e6 * commit:.0f} us{many}",
            shards**2 / 2 * commit * workspaces,
            min(CORES, workspaces),
        ),
        Cost(
            "`factors`",
            f"{n:,} x {PLAYS_PER_TRACK} x {1e6 * play:.1f} us",
            n * PLAYS_PER_TRACK * play,
            CORES,
        ),
        Cost("`train`, 25 epochs", *times(learned, found["train_cpu_s"]), CORES),
        Cost("`embed`", *times(n, found["embed_cpu_s"]), CORES),
        Cost(f"`index`, {kind}", *times(n, vector), CORES),
        Cost(
            "`index`, fingerprints compared",
            f"{each:,} x {1e6 * copies:.0f} us{many}",
            each * copies * workspaces,
            min(CORES, workspaces),
        ),
    ]


def count_shards(n: int) -> int:
    """Shards of spectrograms that `n` tracks fill, the later ones larger."""
    count = 0
    for step in range(GROW_TIMES + 1):
        size_ = shard_tracks(step * GROW_AFTER)
        here = -(-n // size_)
        if step == GROW_TIMES or here <= GROW_AFTER:
            return count + here
        count, n = count + GROW_AFTER, n - GROW_AFTER * size_
    return count


def times(n: int, seconds: float) -> tuple[str, float]:
    """So many times so long: as it is written, and what it comes to."""
    return f"{n:,} x {milli(seconds)} ms", n * seconds


def hours(found: dict[str, float]) -> str:
    """Core-hours of each stage, and machines."""
    rows = []
    for n in SIZES:
        taken = costs(found, n)
        rows += [
            (
                f"{n:,}",
                cost.stage,
                cost.arithmetic,
                number(cost.seconds / 3600),
                f"{cost.ways:.0f}",
                number(cost.seconds / 3600 / cost.ways),
            )
            for cost in taken
        ]
        total = sum(cost.seconds for cost in taken) / 3600
        rows.append(
            (
                f"{n:,}",
                "**all**",
                f"within a day: {machines(found, n)}",
                f"**{number(total)}**",
                "",
                f"**{number(machine_hours(found, n))}**",
            )
        )
    return table(
        "### Hours",
        f"A machine has {CORES} such cores; the arithmetic is in seconds of one core. Assumed are "
        f"{PLAYS_PER_TRACK} plays per track (pairs of a listener and a track), workspaces of "
        f"{WORKSPACE:,} tracks, and training on at most {WORKSPACE:,}, 25 epochs of 10 s crops, by "
        "torchrun on all cores.",
        ["tracks", "stage", "arithmetic", "core-hours", "cores", "hours on one machine"],
        rows,
    )


def machine_hours(found: dict[str, float], n: int) -> float:
    """Hours of one machine for everything."""
    return sum(cost.seconds / cost.ways for cost in costs(found, n)) / 3600


def machines(found: dict[str, float], n: int) -> str:
    """How many do it within a day."""
    count = max(1, math.ceil(machine_hours(found, n) / DAY))
    return f"{count} machine{'s' * (count > 1)}"


def stored_bytes(found: dict[str, float]) -> dict[str, tuple[str, int]]:
    """How it is counted, and bytes of a track, but for the index's structure."""
    mel, dim = MelConfig(), FactorsConfig().factors
    listeners = 4 * dim * PLAYS_PER_TRACK // TRACKS_PER_LISTENER
    return {
        "music (MP3, 4 minutes, 128 kbit/s)": ("240 s x 128,000 / 8", SONG_BYTES),
        "`mels/`, float16": (f"{mel.n_mels} x {mel.n_frames} x 2", 2 * mel.n_mels * mel.n_frames),
        "fingerprints": (f"{n_words(mel)} x 4", 4 * n_words(mel)),
        "`catalog.sqlite`": ("measured", round(found["catalog_bytes"])),
        "`factors/` of tracks": (f"{dim} x 4", 4 * dim),
        "`factors/` of listeners": (
            f"{dim} x 4 x {PLAYS_PER_TRACK} / {TRACKS_PER_LISTENER}",
            listeners,
        ),
        "`embeddings/`": (f"{dim} x 4", 4 * dim),
        "`index/`, vectors": (f"{dim} x 4", 4 * dim),
    }


def vectors_cost(found: dict[str, float], n: int) -> tuple[str, float]:
    """The structure of an index for `n` vectors, and seconds for each of them."""
    config, dim = IndexConfig(), FactorsConfig().factors
    plan = make_plan(n, dim, kind="auto", memory=config.memory_bytes)
    where = ", lists on disk" if plan.on_disk else ""
    kinds = {"exact": 0.0, "hnsw": found["hnsw_cpu_s"], "ivf": found["ivf_cpu_s"]}
    return f"{plan.kind}{where}", kinds[plan.kind]


def storage(found: dict[str, float]) -> str:
    """Bytes on disk."""
    dim = FactorsConfig().factors
    each = stored_bytes(found)
    rows = [(name, how, *(size(per * n) for n in SIZES)) for name, (how, per) in each.items()]
    kinds = []
    for n in SIZES:
        kind = vectors_cost(found, n)[0].split(",")[0]
        kinds.append(f"{size(structure_bytes(kind, n, dim))} ({kind})")
    rows.append(("`index/`, structure", "`audiorec.index.plan`", *kinds))
    return table(
        "### Storage",
        "Nearly all of it is spectrograms. They are needed until `embed` is done, and again for "
        "another network; a deleted shard is computed again.",
        ["", "bytes per track", *(f"{n:,}" for n in SIZES)],
        rows,
    )


def memory(found: dict[str, float]) -> str:
    """Bytes in memory, where they grow."""
    dim = FactorsConfig().factors
    each = {
        "`factors`, plays both ways": (f"{PLAYS_PER_TRACK} x 2 x 8", 16 * PLAYS_PER_TRACK),
        "`embed`, the vectors": (f"{dim} x 4", 4 * dim),
        "`index`, fingerprints": (f"{n_words(MelConfig())} x 4", 4 * n_words(MelConfig())),
    }
    rows = [(name, how, *(size(per * n) for n in SIZES)) for name, (how, per) in each.items()]
    return table(
        "### Memory",
        "`scan` and `mel` take the memory of one clip per process. What grows with the tracks:",
        ["", "bytes per track", *(f"{n:,}" for n in SIZES)],
        rows,
    )


def changes(found: dict[str, float]) -> str:
    """At which size to change what."""
    config, dim = IndexConfig(), FactorsConfig().factors
    budget = config.memory_bytes
    per_track = sum(found[f"{stage}_cpu_s"] for stage in ("scan", "mel", "embed"))
    a_day = DAY * 3600 * CORES / per_track
    train_day = DAY * 3600 / found["train_cpu_s"]
    # A shard more costs what there is already: a * S^2 / 2 in all, by one process.
    mel, commit = found["mel_cpu_s"], found["commit_cpu_s_per_shard"]
    crowded = 1_000.0
    while count_shards(int(crowded)) ** 2 / 2 * commit < crowded * mel / CORES:
        crowded *= 1.01
    rows = [
        (
            f"{EXACT_BELOW:,}",
            "exact search to HNSW (automatic)",
            "`audiorec.index.plan.EXACT_BELOW`",
        ),
        (
            f"{number(budget / (structure_bytes('hnsw', 10**6, dim) / 10**6))}",
            "HNSW to inverted lists (automatic)",
            f"{config.memory} / {structure_bytes('hnsw', 10**6, dim) / 10**6:.0f} bytes",
        ),
        (
            f"{number(budget / (structure_bytes('ivf', 10**8, dim) / 10**8))}",
            "lists in memory to lists on disk (automatic), or shards",
            f"{config.memory} / {structure_bytes('ivf', 10**8, dim) / 10**8:.0f} bytes",
        ),
        (
            number(crowded),
            f"one workspace to several: storing the shards takes as long as {CORES} cores take for "
            "the spectrograms",
            f"{count_shards(int(crowded)):,}^2 / 2 x {1e6 * commit:.0f} us = "
            f"{number(crowded)} x {milli(mel)} ms / {CORES}",
        ),
        (
            number(3600 / found["duplicates_cpu_s_per_track"]),
            "one index to shards: comparing all fingerprints takes an hour",
            f"3600 s / {1e6 * found['duplicates_cpu_s_per_track']:.0f} us",
        ),
        (
            number(train_day),
            "one process to torchrun: one core trains for a day",
            f"{DAY:.0f} h / {milli(found['train_cpu_s'])} ms",
        ),
        (
            number(a_day),
            f"`--engine local` to `ray`: {CORES} cores take a day for `scan`, `mel` and `embed`",
            f"{CORES} x {DAY:.0f} h / {milli(per_track)} ms",
        ),
    ]
    rows.sort(key=lambda row: as_number(row[0]))
    return table(
        "### At which size to change what",
        "",
        ["tracks", "change", "arithmetic"],
        rows,
    )


def peaks(found: dict[str, float]) -> str:
    """Peaks of memory of the stages that read audio or spectrograms."""
    return ", ".join(size(found[f"{stage}_peak_bytes"]) for stage in ("scan", "mel", "embed"))


def milli(seconds: float) -> str:
    """Milliseconds, three digits that count."""
    return number(1e3 * seconds)


def number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value >= 999.5:
        digits = len(str(round(value))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def as_number(text: str) -> float:
    """The number that `number` wrote."""
    return float(text.replace(",", ""))


def size(n_bytes: float) -> str:
    """Bytes in the unit that fits."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= factor:
            return f"{number(n_bytes / factor)} {unit}"
    return f"{number(n_bytes / 1e3)} kB"


def table(title: str, text: str, head: list[str], rows: list[tuple[str, ...]]) -> str:
    """A section in Markdown."""
    lines = [title, "", *([text, ""] if text else []), "| " + " | ".join(head) + " |"]
    lines.append("|" + "---|" * len(head))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        FIGURES.write_text(Path(sys.argv[1]).read_text(encoding="utf-8"), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE, file=sys.stderr)
