"""Research data sets in their original files: one module per set, all of one structure.

Each module has ``TITLE``; ``PAPER``, to be cited; ``TERMS`` of use; ``ORIGIN``, the source;
``LISTENING``, the kind of listening data (empty for none); ``FILES``, its expected layout;
``read(folder)``, its listening; and ``tracks(folder)``, its tracks that have audio, or a
spectrogram in its place.
"""

from __future__ import annotations

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.registry import NAMES, Dataset, dataset

__all__ = [
    "NAMES",
    "Dataset",
    "DatasetFolder",
    "ExpectedFile",
    "ManifestRow",
    "dataset",
]
