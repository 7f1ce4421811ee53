"""Stored descriptors of tracks: tempo, key, loudness, brightness, energy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ParameterError

KIND = "descriptors"
VERSION = 3  # of the measurements
DESCRIBED = ("tempo", "key", "loudness", "brightness", "energy")
"""Beats a minute; number in `KEYS`; LUFS; spectral centroid, Hz; level of the onsets, dB."""
UNITS = {"tempo": "BPM", "loudness": "LUFS", "brightness": "Hz", "energy": "dB"}
COLUMNS = (*DESCRIBED, "tempo_clarity")
"""The last is a fraction, see `audiorec.audio.descriptors.tempo_of`."""
KEYS = tuple(
    f"{tonic}{mode}"
    for mode in ("", "m")
    for tonic in ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
)
"""Names of keys by their number: the major ones, then the minor ones."""
TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
WRITTEN_KEY = re.compile(
    r"([A-Ha-h])[ -]*((?i:#|b|sharp|flat))?[ -]*((?i:m|min|minor|maj|major))?", re.ASCII
)


class TrackDescriptors:
    """Descriptors by track.

    Parameters
    ----------
    ids : np.ndarray [shape=(n,)], str
    table : np.ndarray [shape=(n, 6)], float32
        `COLUMNS`; NaN where one could not be measured.
    clips : np.ndarray [shape=(n,)], str
        Identity of the clip on which each was measured.
    is_current : bool
        Whether they were measured by the current version.
    """

    def __init__(
        self, ids: np.ndarray, table: np.ndarray, clips: np.ndarray, *, is_current: bool = True
    ) -> None:
        self.ids, self.table, self.clips, self.is_current = ids, table, clips, is_current

    def __len__(self) -> int:
        return len(self.ids)

    def values(self, name: str) -> dict[str, float]:
        """One descriptor by track, of tracks in which it could be measured."""
        column = self.table[:, COLUMNS.index(name)]
        known = np.isfinite(column)
        return dict(zip(self.ids[known].tolist(), column[known].tolist(), strict=True))

    def tempo_and_key(self) -> dict[str, tuple[float, str]]:
        """Tempo (beats a minute) and the name of the key by track; NaN and empty where unknown."""
        return {
            id_: (tempo, key_name(key))
            for id_, tempo, key in zip(
                self.ids.tolist(), self.table[:, 0].tolist(), self.table[:, 1].tolist(), strict=True
            )
        }

    def of(self, track_id: str) -> dict[str, float | str] | None:
        """All descriptors of a track; None if it has none."""
        rows = np.flatnonzero(self.ids == track_id)
        if not len(rows):
            return None
        row = self.table[rows[0]].tolist()
        values: dict[str, float | str] = {
            name: round(value, 2)
            for name, value in zip(DESCRIBED, row, strict=False)
            if np.isfinite(value)
        }
        if "key" in values:
            values["key"] = key_name(row[1])
        return values


def key_name(number: float) -> str:
    """Name of a key such as ``"F#m"``; empty for NaN."""
    return KEYS[int(number)] if np.isfinite(number) else ""


def load_descriptors(directory: Path) -> TrackDescriptors:
    """Read stored descriptors; none if none were measured.

    Raises
    ------
    ArtifactError
        If they are damaged.
    """
    if not artifacts.exists(directory):
        empty = np.array([], dtype=np.str_)
        return TrackDescriptors(empty, np.empty((0, len(COLUMNS)), np.float32), empty)
    manifest = artifacts.load_manifest(directory, kind=KIND)
    ids, table, clips = (
        artifacts.load_array(directory, manifest, name) for name in ("ids", "table", "clips")
    )
    current = manifest.config.get("version") == VERSION
    if table.shape[1] < len(COLUMNS):  # of an earlier version
        missing = np.full((len(table), len(COLUMNS) - table.shape[1]), np.nan, np.float32)
        table = np.hstack([table, missing])
    return TrackDescriptors(ids, table, clips, is_current=current)


def save_descriptors(directory: Path, measured: Mapping[str, tuple[str, np.ndarray]]) -> None:
    """Store descriptors, in place of the stored ones.

    Parameters
    ----------
    directory : Path
    measured : mapping of str to (str, np.ndarray [shape=(6,)])
        Identity of the clip of each track, and its `COLUMNS`.
    """
    ids = sorted(measured)
    arrays = {
        "ids": np.array(ids, dtype=np.str_),
        "table": _table([measured[i][1] for i in ids]),
        "clips": np.array([measured[i][0] for i in ids], dtype=np.str_),
    }
    files = {name: artifacts.put_array(directory, name, array) for name, array in arrays.items()}
    config = {"version": VERSION}
    artifacts.commit(directory, kind=KIND, files=files, config=config, inputs={}, extra={})


def _table(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of the columns, padded with NaN : np.ndarray [shape=(n, 6)], float32."""
    table = np.full((len(rows), len(COLUMNS)), np.nan, np.float32)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table


def parse_key(text: str) -> str:
    """Parse a key to its name in `KEYS`, from spellings such as ``f# minor``, ``Gbm`` or ``H``.

    Raises
    ------
    ParameterError
        If it is not a key.
    """
    written = WRITTEN_KEY.fullmatch(text.strip().replace("\u266f", "#").replace("\u266d", "b"))
    if written is None:
        raise ParameterError(f"key {text!r} must be one such as C, Am, F# or Bb minor")
    letter, sign, mode = written.groups(default="")
    raised = sign.lower() in ("#", "sharp")
    tonic = (TONICS[letter.upper()] + (1 if raised else -1 if sign else 0)) % 12
    minor = mode == "m" or mode.lower() in ("min", "minor")
    return KEYS[tonic + 12 * minor]
