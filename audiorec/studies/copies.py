"""Study of audio fingerprints: recall and false matches of copies of a recording.

    python -m audiorec.studies.copies FILE_OR_FOLDER... --tracks 60

Copies of each recording start 0.2 to 9 s later, mostly end earlier, are 6 dB louder (and clip) or
softer, and are encoded at a low or a high rate. Every pair of files is tested for being the same
recording. If several are performances of one song, those are among the possible false matches.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import chain, combinations, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from audiorec.audio import (
    Fingerprints,
    MelConfig,
    load_clips,
    make_fingerprint,
    open_source,
    probe,
    resample,
)
from audiorec.audio.fingerprint import step_seconds
from audiorec.audio.ogg_pages import OPUS_RATE
from audiorec.exceptions import AudioError
from audiorec.mel import log_mel, near_duplicates

STARTS = (0.2, 0.5, 2.0, 5.0, 9.0)  # seconds later
ENDS = (0.0, 1.0, 3.0)  # seconds earlier
GAINS_DB = (-6.0, 6.0)
LEVELS = (0.1, 0.9)  # of compression: a high rate, and a low one
ENCODERS = {  # name to libsndfile's format, subtype and compression
    f"{name}, {rate} rate": (*format_, level)
    for name, format_ in {
        "MP3": ("MP3", "MPEG_LAYER_III"),
        "Vorbis": ("OGG", "VORBIS"),
        "Opus": ("OGG", "OPUS"),
    }.items()
    for rate, level in zip(("high", "low"), LEVELS, strict=True)
}
BLOCK = 1 << 16


class AudioCopy(NamedTuple):
    """A tested file: its recording, and how it was made."""

    recording: int
    start: float
    encoder: str
    seconds: float
    words: np.ndarray


class ScoredPairs(NamedTuple):
    """Scored pairs of files.

    Attributes
    ----------
    right, missed, wrong : list of (AudioCopy, AudioCopy)
        Pairs of one recording, found and missed; pairs of two recordings, wrongly matched.
    n_pairs : int
        Number of tested pairs.
    """

    right: list[tuple[AudioCopy, AudioCopy]]
    missed: list[tuple[AudioCopy, AudioCopy]]
    wrong: list[tuple[AudioCopy, AudioCopy]]
    n_pairs: int


def make_copies(files: Sequence[Path], *, seed: int = 0) -> list[AudioCopy]:
    """Compute fingerprints of files and of five copies of each, one per start.

    Parameters
    ----------
    files : sequence of Path
        One file per recording.
    seed : int
        Seed of the pairing of starts with encoders, ends and levels.
    """
    rng = np.random.default_rng(seed)
    copies: list[AudioCopy] = []
    with tempfile.TemporaryDirectory() as folder:
        for recording, file in enumerate(files):
            copies.append(_fingerprinted(file, recording, 0.0, "original"))
            with open_source(file) as source:
                sr = source.info.sr
                (y,) = source.read([0], round(source.info.duration * sr))
            encoders = rng.permutation(list(ENCODERS))
            for start, encoder in zip(STARTS, encoders, strict=False):
                end = len(y) - round(rng.choice(ENDS) * sr)
                gain = 10 ** (rng.choice(GAINS_DB) / 20)
                part = np.clip(y[round(start * sr) : end] * np.float32(gain), -1, 1)
                path = Path(folder, "copy")
                _encode(path, part, sr, encoder)
                copies.append(_fingerprinted(path, recording, start, str(encoder)))
    return copies


def score_pairs(copies: Sequence[AudioCopy]) -> ScoredPairs:
    """Count the pairs of files that are matched correctly."""
    step = step_seconds(MelConfig())
    ids = [str(row) for row in range(len(copies))]
    seconds = {id_: copy.seconds for id_, copy in zip(ids, copies, strict=True)}
    words = np.stack([copy.words for copy in copies])
    groups = near_duplicates(Fingerprints(tuple(ids), words, step), seconds=seconds)
    found = ScoredPairs([], [], [], len(copies) * (len(copies) - 1) // 2)
    for a, b in combinations(range(len(copies)), 2):
        one = copies[a].recording == copies[b].recording
        together = ids[a] in groups and groups[ids[a]] == groups.get(ids[b])
        if one or together:
            kind = found.missed if not together else found.right if one else found.wrong
            kind.append((copies[a], copies[b]))
    return found


def _fingerprinted(file: Path, recording: int, start: float, encoder: str) -> AudioCopy:
    config = MelConfig()
    (y,) = load_clips(file, config=config)
    words = make_fingerprint(log_mel(y, config=config), config=config)
    return AudioCopy(recording, start, encoder, probe(file).duration, words)


def _is_audio(file: Path) -> bool:
    try:
        return probe(file).duration > 0
    except AudioError:
        return False


def _encode(path: Path, y: np.ndarray, sr: int, encoder: str) -> None:
    container, subtype, level = ENCODERS[encoder]
    if subtype == "OPUS":
        y, sr = resample(y, sr=sr, target_sr=OPUS_RATE), OPUS_RATE
    with soundfile.SoundFile(
        path, "w", sr, 1, format=container, subtype=subtype, compression_level=level
    ) as out:
        for begin in range(0, len(y), BLOCK):  # one long write of Vorbis crashes libsndfile
            out.write(y[begin : begin + BLOCK])


def main() -> None:
    """Print how many copies are found, by start and by encoder, and the wrong matches."""
    parser = argparse.ArgumentParser(description="Precision and recall of fingerprints.")
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--tracks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    every = chain.from_iterable(
        sorted(path.rglob("*.*")) if path.is_dir() else [path] for path in arguments.paths
    )
    files = list(islice(filter(_is_audio, every), arguments.tracks))
    copies = make_copies(files, seed=arguments.seed)
    found = score_pairs(copies)
    right, missed, wrong = map(len, found[:3])
    print(f"{len(files)} recordings, {len(copies)} files, {found.n_pairs} pairs")
    print(f"precision {right / max(1, right + wrong):.4f} ({wrong} pairs wrong)")
    print(f"recall    {right / max(1, right + missed):.4f} ({missed} of {right + missed} missed)")
    for field in ("start", "encoder"):
        ways = {getattr(copy, field): [0, 0] for copy in copies if copy.start}
        for pairs, at in ((found.right, 0), (found.missed, 1)):
            for original, copy in pairs:
                if not original.start:
                    ways[getattr(copy, field)][at] += 1
        said = ", ".join(f"{way} {n}/{n + m}" for way, (n, m) in sorted(ways.items()))
        print(f"found beside the original, by {field}: {said}")
    joined = Counter((files[a.recording], files[b.recording]) for a, b in found.wrong)
    for (a, b), n in joined.items():
        print(f"wrong, {n} pairs: {a}, {b}")


if __name__ == "__main__":
    main()
