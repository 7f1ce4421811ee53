"""Measure beside a reference: the same input, in turn, several rounds, and the machine told.

``python tests/benchmarks/benching.py [RESULTS] [PAGE]`` puts the results of the last runs, one JSON
file each, into the page's table, by default ``bench-results/`` into ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[2]
RESULTS = Path(os.environ.get("BENCH_RESULTS", ROOT / "bench-results"))
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
PACKAGES = ("audiorec-music", "numpy", "scipy", "faiss-cpu", "torch", "librosa", "soundfile", "av")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# One thread in whatever multiplies matrices; for processes, which read it when they start.
ONE_THREAD = dict.fromkeys(THREADS, "1")


MARK = "=== measured: "
# A process inherits the peak of whoever starts it, so that a small one has to.
LAUNCHER = f"""
import json, os, subprocess, sys, time
began = time.perf_counter()
running = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(running.pid, 0)
took = time.perf_counter() - began
unit = 1 if sys.platform == "darwin" else 1024
code = os.waitstatus_to_exitcode(status)
cpu = usage.ru_utime + usage.ru_stime
facts = {{"seconds": took, "cpu": cpu, "peak": usage.ru_maxrss * unit, "code": code}}
print({MARK!r} + json.dumps(facts), end="", file=sys.stderr)
"""


@dataclass(frozen=True)
class Side:
    """One of those compared: a number per round.

    Attributes
    ----------
    seconds : list of float
        Wall time of each round, s.
    facts : dict
        What else was found, such as a recall or a peak of memory in bytes.
    """

    seconds: list[float]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Seconds of the middle round."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Result:
    """A benchmark's outcome.

    Attributes
    ----------
    name : str
        Of its file, and its place in the table.
    title : str
        What was done, in a line.
    amount, unit
        How much of what one round did.
    sides : dict of str to Side
        The first is ours.
    command : str
        What repeats it.
    """

    name: str
    title: str
    amount: float
    unit: str
    sides: dict[str, Side]
    packages: tuple[str, ...] = ()
    command: str = ""
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M"))

    def ratio(self, reference: str) -> list[float]:
        """Our seconds over the reference's, round by round."""
        ours = next(iter(self.sides.values())).seconds
        return [a / b for a, b in zip(ours, self.sides[reference].seconds, strict=True)]

    def keep(self) -> Result:
        """Write it as JSON, and show it on stderr."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        document = {**asdict(self), "machine": machine(self.packages)}
        for side in document["sides"].values():
            side["facts"].pop("stdout", None)
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (RESULTS / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"\n{self.title}", file=sys.stderr)
        for row in rows(document):
            print("  " + " | ".join(row), file=sys.stderr)
        print("  " + told(document["machine"]), file=sys.stderr)
        return self


def contest(
    name: str,
    title: str,
    sides: Mapping[str, Callable[[], Mapping[str, Any] | None]],
    *,
    amount: float,
    unit: str,
    rounds: int = 5,
    packages: Sequence[str] = (),
    warm: Literal["yes", "no"] = "yes",
) -> Result:
    """Let every side do the same work in turn, after one round that does not count.

    Parameters
    ----------
    name, title
        See `Result`.
    sides : mapping of str to callable
        Ours first. What one returns is kept as its facts; a fact called "seconds" stands in place
        of the wall time that was taken here.
    amount, unit
        How much of what one call does: 64, "clips".
    rounds : int
    packages : sequence of str
        Distributions whose versions matter, beside the usual ones.
    warm : {"yes", "no"}
        No leaves out the round that does not count, where one takes many minutes.
    """
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    facts: dict[str, dict[str, Any]] = {side: {} for side in sides}
    names = list(sides)
    for number in range(-1 if warm == "yes" else 0, rounds):
        # Whoever comes first would always meet the same state of the machine.
        for side in names[number % len(names) :] + names[: number % len(names)]:
            began = time.perf_counter()
            found = dict(sides[side]() or {})
            took = time.perf_counter() - began
            took = float(found.pop("seconds", took))
            facts[side].update(found)
            if number >= 0:
                seconds[side].append(took)
    test = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0]
    return Result(
        name,
        title,
        amount,
        unit,
        {side: Side(seconds[side], facts[side]) for side in sides},
        tuple(packages),
        f"python -m pytest {test} -m benchmark -s" if test else "",
    ).keep()


def process(
    argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, stdin: bytes = b""
) -> dict[str, Any]:
    """Run a program to its end.

    Returns
    -------
    facts : dict
        "seconds" of wall time, "cpu" of processors' time, those of its workers included, "peak"
        memory of the largest process in bytes, and "stdout".
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        done = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, *map(str, argv)],
            stdin=given,
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            check=False,
        )
        said, _, told = done.stderr.decode(errors="replace").rpartition(MARK)
        facts = json.loads(told)
        if facts["code"]:
            raise RuntimeError(f"{argv[0]} ended with {facts['code']}: {said.strip()}")
        out.seek(0)
        return {
            "seconds": facts["seconds"],
            "cpu": facts["cpu"],
            "peak": facts["peak"],
            "stdout": out.read().decode(),
        }


def machine(packages: Sequence[str] = ()) -> dict[str, Any]:
    """What the figures were taken on: processor, cores, memory, versions, threads, load."""
    versions = {}
    for package in dict.fromkeys([*PACKAGES, *packages]):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "threads": {key: os.environ[key] for key in THREADS if key in os.environ},
        "load": round(os.getloadavg()[0], 2),
    }


def told(machine: Mapping[str, Any], but: Sequence[str] = ()) -> str:
    """The machine in one line, but for the parts that are said elsewhere."""
    threads = ", ".join(f"{key}={value}" for key, value in machine["threads"].items())
    named = ", ".join(part for part in parts(machine) if part not in but)
    own = f"threads: {threads or 'as many as cores'}; load {machine['load']}"
    return f"{named}; {own}" if named else own


def parts(machine: Mapping[str, Any]) -> list[str]:
    """Processor, cores, memory, system and versions."""
    return [
        str(machine["cpu"]),
        f"{machine['cores']} cores",
        f"{machine['memory_gb']} GB",
        str(machine["system"]),
        f"Python {machine['python']}",
        *(f"{name} {version}" for name, version in machine["versions"].items()),
    ]


def rows(document: Mapping[str, Any]) -> list[list[str]]:
    """A result's lines in the table: side, rate, seconds, ratio of ours, facts."""
    sides = document["sides"]
    ours = next(iter(sides.values()))["seconds"]
    lines = []
    for name, side in sides.items():
        seconds = side["seconds"]
        middle = statistics.median(seconds)
        rate = document["amount"] / middle
        ratios = [a / b for a, b in zip(ours, seconds, strict=True)]
        facts = ", ".join(_fact(key, value) for key, value in side["facts"].items())
        lines.append(
            [
                name,
                f"{_number(rate)} {document['unit']}/s",
                f"{_number(middle)} s ({_number(min(seconds))} to {_number(max(seconds))})",
                ""
                if side["seconds"] is ours
                else f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                facts,
            ]
        )
    return lines


def table(documents: Sequence[Mapping[str, Any]]) -> str:
    """Every result in Markdown; what all machines share is named once."""
    machines = [document["machine"] for document in documents]
    shared = [
        part
        for part in (parts(machines[0]) if machines else [])
        if all(part in parts(machine) for machine in machines)
    ]
    lines = [f"On {', '.join(shared)}.", ""] if shared else []
    for title, group in grouped(documents):
        first = group[0]
        rounds = len(next(iter(first["sides"].values()))["seconds"])
        prefixes = [""] if len(group) == 1 else [f"{document['title']}: " for document in group]
        found = [
            [prefix + row[0], *row[1:]]
            for prefix, document in zip(prefixes, group, strict=True)
            for row in rows(document)
        ]
        lines += [
            f"### {title}",
            "",
            "| | rate | median (spread) | our time / its | |",
            "|---|---|---|---|---|",
            *("| " + " | ".join(row) + " |" for row in found),
            "",
            f"{first['date']} UTC, {rounds} rounds; {told(first['machine'], shared)}. "
            f"`{first['command']}`",
            "",
        ]
    return "\n".join(lines)


def grouped(
    documents: Sequence[Mapping[str, Any]],
) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Results by name, each with its title; those of a growing library, ``scale-*``, together."""
    ordered = sorted(documents, key=lambda d: d["name"])
    growing = [document for document in ordered if document["name"].startswith("scale-")]
    groups = [(d["title"], [d]) for d in ordered if d not in growing]
    return [*groups, ("As a library grows", growing)] if growing else groups


def renew(results: Path = RESULTS, page: Path = PAGE) -> int:
    """Put every result into the page, between its two marks; the number of results."""
    documents = [
        json.loads(file.read_text(encoding="utf-8")) for file in sorted(results.glob("*.json"))
    ]
    documents = [document for document in documents if "sides" in document]
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in text:
        raise SystemExit(f"{page} has no line {BEGIN} before a line {END}")
    picture = page.with_name("scale.svg")
    drawn = f"![As a library grows]({picture.name})\n\n" if plot_scale(results, picture) else ""
    body = f"{before}{BEGIN}\n\n{drawn}{table(documents)}\n{END}{after}"
    page.write_text(body, encoding="utf-8")
    return len(documents)


def plot_scale(results: Path, picture: Path) -> bool:
    """Draw what building and asking took against the number of tracks; False without results."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "scale"
    from matplotlib import pyplot as plt

    found: dict[str, list[tuple[int, float, float]]] = {"build": [], "ask": []}
    for file in sorted(results.glob("scale-*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        side = next(iter(document["sides"].values()))
        kind, n = document["name"].split("-")[1:]
        peak = side["facts"]["peak"]
        found[kind].append((int(n), statistics.median(side["seconds"]), peak))
    if not found["build"]:
        return False
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    panels = (
        ("build", "import and index, ms per track", lambda n, t, p: 1e3 * t / n),
        ("ask", "one answer, s from process start", lambda n, t, p: t),
        ("build", "peak memory, MB", lambda n, t, p: p / 1e6),
    )
    for axis, (kind, label, value) in zip(axes, panels, strict=True):
        rows_ = sorted(found[kind])
        axis.plot([row[0] for row in rows_], [value(*row) for row in rows_], "o-", label=kind)
        axis.set(xscale="log", xlabel="tracks", ylabel=label, ylim=(0, None))
    others = sorted(found["ask"])
    axes[2].plot([row[0] for row in others], [row[2] / 1e6 for row in others], "s--", label="ask")
    axes[2].set(yscale="log", ylim=(10, None))
    axes[2].legend()
    figure.savefig(picture, metadata={"Date": None})
    plt.close(figure)
    return True


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _fact(key: str, value: Any) -> str:
    if key == "peak":
        return f"peak {value / 1e6:,.0f} MB"
    return f"{key} {_number(value) if isinstance(value, float) else value}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    parser.add_argument("page", type=Path, nargs="?", default=PAGE)
    given = parser.parse_args()
    print(f"{renew(given.results, given.page)} results in {given.page}", file=sys.stderr)
