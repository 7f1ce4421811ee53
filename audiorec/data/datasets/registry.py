"""The research data sets by name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Protocol, cast

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.dataset_rows import DatasetPlays
from audiorec.exceptions import ParameterError

NAMES = (
    "msd",
    "music4all",
    "music4all-onion",
    "million-playlist",
    "lfm-1b",
    "lfm-2b",
    "lastfm-1k",
    "hetrec",
    "yambda",
    "mtg-jamendo",
    "fma",
    "melon",
)


class Dataset(Protocol):
    """What every module of a data set has."""

    TITLE: str
    PAPER: str
    TERMS: str
    ORIGIN: str
    LISTENING: str
    FILES: tuple[ExpectedFile, ...]

    def read(self, folder: DatasetFolder) -> DatasetPlays | None:
        """Its listening; None where it has none."""
        ...

    def tracks(self, folder: DatasetFolder) -> Iterator[ManifestRow]:
        """Its tracks whose audio, or a spectrogram in its place, lies in the folder."""
        ...


def dataset(name: str) -> Dataset:
    """The module of a data set.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    if name not in NAMES:
        raise ParameterError(f"dataset {name!r} is unknown; use one of: {', '.join(NAMES)}")
    module = importlib.import_module(f"audiorec.data.datasets.{name.replace('-', '_')}")
    return cast("Dataset", module)
