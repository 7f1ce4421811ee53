"""Load on the server: open loop, so many questions a second whether or not it keeps up.

    python tests/benchmarks/server_load.py DIRECTORY [--tracks 100000] [--rate 200] [--seconds 60]
        [--connections 50] [--streams 20] [--job]

Makes a library of made-up vectors in DIRECTORY unless one is there, starts the server on it, and
prints one JSON object: latencies from the moment at which a question was due (ms), what it cost of
processor time, how the memory of the server grew, and how long streams had to wait for audio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.index import IndexConfig, build_index
from audiorec.workspace import Workspace

DIM = 50
RATE, AUDIO_SECONDS = 44_100, 120
BYTES_PER_SECOND = RATE * 2
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def make_library(folder: Path, n_tracks: int) -> Workspace:
    """Tracks of made-up artists, with vectors in clusters; one file of sound stands for all."""
    workspace = Workspace(folder / "ws")
    if workspace.index.exists():
        return workspace
    workspace.create()
    rng = np.random.default_rng(0)
    music = folder / "music"
    music.mkdir(parents=True, exist_ok=True)
    y = (0.1 * rng.standard_normal(RATE * AUDIO_SECONDS)).astype(np.float32)
    soundfile.write(music / "0.wav", y, RATE, subtype="PCM_16")
    ids = [f"t{row:06d}" for row in range(n_tracks)]
    tracks = []
    for row, id_ in enumerate(ids):
        path = music / f"{row}.wav"
        if 0 < row < 50:
            path.hardlink_to(music / "0.wav")
        artist = f"Artist {row // 12}"
        tracks.append(
            Track(id_, str(path), artist, f"Song {row}", f"Album {row // 12}", 1960 + row % 60,
                  "jazz" if row % 3 else "rock", float(AUDIO_SECONDS), RATE, 1, "wav",
                  f"hash {row}", number=row % 12 + 1)
        )  # fmt: skip
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(tracks)
    centres = rng.standard_normal((400, DIM)).astype(np.float32)
    vectors = centres[rng.integers(0, 400, n_tracks)] + 0.7 * rng.standard_normal(
        (n_tracks, DIM)
    ).astype(np.float32)
    embeddings = Embeddings(ids, vectors.astype(np.float32))
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig())
    index.save(
        workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "content"}
    )
    return workspace


class Server:
    """The server of a workspace in a process of its own."""

    def __init__(self, workspace: Workspace, log: Path) -> None:
        command = [sys.executable, "-m", "audiorec", "--workspace", str(workspace.root)]
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [*command, "serve", "--port", "0"], stderr=stream, stdout=subprocess.DEVNULL
            )
        for _ in range(1200):
            found = re.search(rb"serving on http://127\.0\.0\.1:(\d+)", log.read_bytes())
            if found or self.process.poll() is not None:
                break
            time.sleep(0.1)
        if not found:
            raise SystemExit(log.read_text())
        self.port = int(found[1])

    def cpu(self) -> float:
        """Processor time used so far, s."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Memory in use, MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * PAGE / 1e6

    def stop(self) -> int:
        """End it as systemd does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of an answer."""
        if self._open is None:
            self._open = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        reader, writer = self._open
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer.split(b" ", 2)[1])
        length = int(re.search(rb"content-length: (\d+)", answer, re.I)[1])
        return status, await reader.readexactly(length)

    def close(self) -> None:
        """Close it."""
        if self._open is not None:
            self._open[1].close()


def question(rng: random.Random, n_tracks: int) -> tuple[str, str, bytes]:
    """Mostly similar tracks; now and then one by words, or a track."""
    track = f"t{rng.randrange(n_tracks):06d}"
    return "GET", f"/api/v1/similar?seed={track}&k=10", b""


async def load(port: int, *, n_tracks: int, rate: float, seconds: float, n_connections: int):
    """Latencies (s) of questions from when they were due, and how many failed."""
    rng = random.Random(0)
    free: asyncio.Queue[Client] = asyncio.Queue()
    for _ in range(n_connections):
        free.put_nowait(Client(port))
    latencies: list[float] = []
    failed = 0

    async def one(due: float) -> None:
        nonlocal failed
        client = await free.get()
        try:
            status, _ = await client.ask(*question(rng, n_tracks))
            failed += status != 200
        except (OSError, asyncio.IncompleteReadError, TypeError):
            failed += 1
            client.close()
            client = Client(port)
        finally:
            free.put_nowait(client)
        latencies.append(time.perf_counter() - due)

    began = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - began
    while not free.empty():
        free.get_nowait().close()
    return latencies, failed, took


async def stream(port: int, number: int, seconds: float) -> list[float]:
    """Read audio as it is played; return how long each second of it had to be waited for, s."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    path = f"/api/v1/audio?id=t{number % 50:06d}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    waits = []
    began = time.perf_counter()
    for second in range(int(min(seconds, AUDIO_SECONDS - 1))):
        asked = time.perf_counter()
        await reader.readexactly(BYTES_PER_SECOND)
        waits.append(time.perf_counter() - asked)
        await asyncio.sleep(max(0.0, began + second + 1 - time.perf_counter()))
    writer.close()
    return waits


async def measure(server: Server, arguments: argparse.Namespace) -> dict[str, object]:
    """Everything at once."""
    memory = [server.memory()]

    async def watch() -> None:
        while True:
            await asyncio.sleep(2)
            memory.append(server.memory())

    how = {"n_tracks": arguments.tracks, "n_connections": arguments.connections}
    await load(server.port, rate=20, seconds=3, **how)  # everything opened once
    watching = asyncio.create_task(watch())
    cpu = server.cpu()
    streams = [
        asyncio.create_task(stream(server.port, n, arguments.seconds))
        for n in range(arguments.streams)
    ]
    latencies, failed, took = await load(
        server.port, rate=arguments.rate, seconds=arguments.seconds, **how
    )
    cpu = server.cpu() - cpu
    waits = [wait for waited in await asyncio.gather(*streams) for wait in waited]
    watching.cancel()
    ms = 1000 * np.array(latencies)
    return {
        "tracks": arguments.tracks,
        "asked_per_second": arguments.rate,
        "answered_per_second": round(len(latencies) / took, 1),
        "failed": failed,
        "p50_ms": round(float(np.percentile(ms, 50)), 1),
        "p95_ms": round(float(np.percentile(ms, 95)), 1),
        "p99_ms": round(float(np.percentile(ms, 99)), 1),
        "max_ms": round(float(ms.max()), 1),
        "server_cpu_ms_per_answer": round(1000 * cpu / len(latencies), 2),
        "memory_mb": [
            round(memory[place]) for place in np.linspace(0, len(memory) - 1, 5).astype(int)
        ],
        "streams": arguments.streams,
        "stream_wait_max_ms": round(1000 * max(waits), 1) if waits else None,
        "stream_stalls": sum(wait > 1 for wait in waits),
        "machine_load": round(os.getloadavg()[0], 1),
    }


@contextlib.contextmanager
def busy_job(arguments: argparse.Namespace):
    """A niced process of one worker, as a job is: spectrograms of the audio, over and over."""
    if not arguments.job:
        yield
        return
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from audiorec.audio import load_clips\n"
        "from audiorec.audio import MelConfig\n"
        "from audiorec.mel import log_mel\n"
        "config = MelConfig()\n"
        "while True:\n"
        "    [log_mel(y, config=config) for y in load_clips(Path(sys.argv[1]), config=config)]\n"
    )
    file = arguments.directory / "music" / "0.wav"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    job = subprocess.Popen(
        ["nice", "-n", "15", sys.executable, "-c", code, str(file)], env=environment
    )
    time.sleep(5)
    try:
        yield
    finally:
        job.kill()
        job.wait()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--job", action="store_true", help="a niced job meanwhile")
    arguments = parser.parse_args()
    workspace = make_library(arguments.directory, arguments.tracks)
    server = Server(workspace, arguments.directory / "server.log")
    try:
        with busy_job(arguments):
            print(json.dumps(asyncio.run(measure(server, arguments)), indent=1))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
