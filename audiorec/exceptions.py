"""The errors that audiorec raises on purpose.

Every message is one line that names the thing, the value and the remedy. The command line prints
it and exits with 1; anything else that escapes is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiorec.printable_text import one_line


class AudiorecError(Exception):
    """Base of every error that audiorec raises on purpose."""


class ParameterError(AudiorecError, ValueError):
    """A parameter has a value that it cannot have."""


class DataError(AudiorecError):
    """A file handed to audiorec (listening, a manifest, a recipe) cannot be used as it is."""


class NoSessionsError(DataError):
    """No plays follow one another closely enough to be a session."""


class AudioError(AudiorecError):
    """An audio file cannot be decoded, or holds nothing to listen to."""


class NotFoundError(AudiorecError):
    """No track or listener has the name that was asked for."""


class AmbiguousNameError(NotFoundError):
    """A name fits several tracks.

    Parameters
    ----------
    message : str
        One line that says what is ambiguous.
    candidates : sequence of str
        What the name could mean, best first.
    """

    def __init__(self, message: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class ArtifactError(AudiorecError):
    """An artifact is missing, torn, of another version, or made from other inputs."""


class DamagedArtifactError(ArtifactError):
    """An artifact is torn or damaged, and has to be made again."""


class NewerError(ArtifactError):
    """An artifact is from a newer version of audiorec: it is neither read nor replaced."""


class WriteError(ArtifactError):
    """A file cannot be written: no room, no permission."""


class WorkspaceError(AudiorecError):
    """A workspace is missing, from a newer version, not writable, or in use."""


class BusyError(AudiorecError):
    """As much is being done already as may be done at once."""


class JobRunningError(BusyError):
    """A job is on, and there is one at a time."""


class TrainingError(AudiorecError):
    """Training cannot go on, or cannot begin."""


class EngineError(AudiorecError):
    """What work was to be handed to is not installed, does not answer, or lost it."""


def data_error(where: str | Path, what: str, remedy: str) -> DataError:
    """One line that names the file, what is wrong with it, and what to do."""
    return DataError(one_line(f"{where} {what}; {remedy}"))


def first_line(error: BaseException) -> str:
    """What an error of another library says, in its first line; its kind where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def system_reason(error: Exception) -> str:
    """What the system says of an error; of one that it did not make, the first line."""
    return getattr(error, "strerror", None) or first_line(error)
