"""Registry of the research data sets by name."""

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
    """Protocol of a module of a data set."""

    TITLE: str
    PAPER: str
    TERMS: str
    ORIGIN: str
    LISTENING: str
    FILES: tuple[ExpectedFile, ...]

    def read(self, folder: DatasetFolder) -> DatasetPlays | None:
        """Read its listening; None if it has none."""
        ...

    def tracks(self, folder: DatasetFolder) -> Iterator[ManifestRow]:
        """Iterate over its tracks with audio, or a spectrogram in its place, in the folder."""
        ...


def dataset(name: str) -> Dataset:
    """Import the module of a data set.

    Raises
    ------
    ParameterError
        If no data set has that name.
    """
    if name not in NAMES:
        raise ParameterError(f"dataset {name!r} is unknown; use one of: {', '.join(NAMES)}")
    module = importlib.import_module(f"audiorec.data.datasets.{name.replace('-', '_')}")
    return cast("Dataset", module)
