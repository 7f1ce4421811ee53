"""Made-up data to measure on: vectors that lie as those of music do, songs, spectrograms, plays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import soundfile

BLOCK = 65_536
ARTISTS = 20_000


def clustered(n: int, dim: int = 128, *, seed: int) -> np.ndarray:
    """Vectors around artists around 40 genres, a few of each with most of the tracks.

    Their spread falls with the dimension (deviation 1 / sqrt(1 + j) along axis j), as that of
    learned vectors does, so that they are easier to search than white noise and harder than a
    handful of dimensions. The world is the same for every seed, which draws the tracks.

    Parameters
    ----------
    n, dim : int
    seed : int

    Returns
    -------
    vectors : np.ndarray [shape=(n, dim)], float32
    """
    world, rng = np.random.default_rng(7), np.random.default_rng(seed)
    spread = (1.0 + np.arange(dim)) ** -0.5
    turned = np.linalg.qr(world.standard_normal((dim, dim)))[0]
    genres = world.standard_normal((40, dim)) * spread
    of_genre = world.choice(40, ARTISTS, p=_falling(40, 1.0))
    artists = genres[of_genre] + 0.7 * world.standard_normal((ARTISTS, dim)) * spread
    chosen = rng.choice(ARTISTS, n, p=_falling(ARTISTS, 0.7))
    out = np.empty((n, dim), dtype=np.float32)
    for start in range(0, n, BLOCK):
        some = artists[chosen[start : start + BLOCK]]
        out[start : start + BLOCK] = (
            some + 0.6 * rng.standard_normal(some.shape) * spread
        ) @ turned
    return out


def write_vectors(file: Path, vectors: np.ndarray) -> Path:
    """Vectors with ids ``track-0000000`` on, in Parquet."""
    ids = [f"track-{row:07d}" for row in range(len(vectors))]
    column = pl.Series("vector", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))
    pl.DataFrame({"track_id": ids}).with_columns(column).write_parquet(file)
    return file


def write_names(file: Path, n: int) -> Path:
    """Artists and titles for as many tracks, in CSV."""
    rng = np.random.default_rng(0)
    letters = "ka ri to mo sha bel an dra lu ven or il the wo nd er love ing night star blue ro ck"
    syllables = f"{letters} da mi ne fa so la ti be ga hu jo kle pra sti gru vex zy quo phi".split()
    words = ["".join(rng.choice(syllables, rng.integers(1, 5))) for _ in range(30_000)]
    picks = rng.choice(len(words), (n, 5), p=_falling(len(words), 0.8))
    lengths = rng.integers(1, 4, n)
    artist_of = rng.integers(0, n // 12 + 1, n)
    with file.open("w", encoding="utf-8") as stream:
        stream.write("track_id,artist,title\n")
        for row in range(n):
            own = picks[artist_of[row]]
            artist = f"{words[own[3]]} {words[own[4]]}".title()
            title = " ".join(words[pick] for pick in picks[row, : lengths[row]]).capitalize()
            stream.write(f"track-{row:07d},{artist},{title}\n")
    return file


def write_songs(
    folder: Path, n: int, *, seconds: float, copies: int = 1, sr: int = 44100
) -> list[Path]:
    """Stereo MP3 files of notes over faint noise, each as often as `copies` says.

    Decoders do not know a copy; encoding as many different songs would take the longest of all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(n):
        rng = np.random.default_rng(number)
        t = np.arange(int(seconds * sr)) / sr
        y = 0.02 * rng.standard_normal(len(t))
        for start in range(0, len(t), sr // 4):
            here = slice(start, start + sr)
            pitch = 110 * 2 ** (rng.integers(0, 36) / 12)
            since = t[here] - t[start]
            y[here] += 0.2 * np.sin(2 * np.pi * pitch * since) * np.exp(-since * 5)
        files.append(folder / f"song{number:03d}.mp3")
        soundfile.write(files[-1], np.stack([y, 0.9 * y], axis=1), sr, format="MP3")
    for copy in range(1, copies):
        for file in files[:n]:
            files.append(file.with_stem(f"{file.stem}-{copy:03d}"))
            shutil.copyfile(file, files[-1])
    return files


def _falling(n: int, power: float) -> np.ndarray:
    weights = 1.0 / np.arange(1, n + 1) ** power
    return weights / weights.sum()
