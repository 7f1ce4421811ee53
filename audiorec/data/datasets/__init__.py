"""Research data sets, as their files really are: one module a set, all of one anatomy.

Each module has ``TITLE``; ``PAPER``, what to cite; ``TERMS``, under which the set is given;
``ORIGIN``, where it comes from; ``LISTENING``, what it tells of listening (empty for none);
``FILES``, its expected layout; ``read(folder)``, its listening; and ``tracks(folder)``, its tracks
whose audio, or a spectrogram in its place, is there.
"""

from audiorec.data.datasets.registry import NAMES, Dataset, dataset

__all__ = ["NAMES", "Dataset", "dataset"]
