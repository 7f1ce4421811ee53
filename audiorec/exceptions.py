"""Exceptions raised by audiorec.

Every message is one line with the thing, the value and the remedy. The command line prints it
and exits with 1; any other exception is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiorec.printable_text import one_line


class AudiorecError(Exception):
    """Base class of audiorec's exceptions."""


class ParameterError(AudiorecError, ValueError):
    """A parameter has an invalid value."""


class DataError(AudiorecError):
    """A file given to audiorec (listening, a manifest, a recipe) cannot be used."""


class NoSessionsError(DataError):
    """No plays follow each other closely enough to be a session."""


class AudioError(AudiorecError):
    """An audio file cannot be decoded, or is silent or too short."""


class NotFoundError(AudiorecError):
    """No track or listener has the given name."""


class AmbiguousNameError(NotFoundError):
    """A name matches several tracks.

    Parameters
    ----------
    message : str
        One line that describes the ambiguity.
    candidates : sequence of str
        Possible meanings of the name, best first.
    """

    def __init__(self, message: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class ArtifactError(AudiorecError):
    """An artifact is missing, torn, of another version, or made from other inputs."""


class DamagedArtifactError(ArtifactError):
    """An artifact is torn or damaged, and has to be made again."""


class NewerError(ArtifactError):
    """An artifact is of a newer version of audiorec: it is neither read nor replaced."""


class WriteError(ArtifactError):
    """A file cannot be written: no room, no permission."""


class WorkspaceError(AudiorecError):
    """A workspace is missing, of a newer version, not writable, or in use."""


class BusyError(AudiorecError):
    """The limit of concurrent work is reached."""


class JobRunningError(BusyError):
    """A job is running already, and there is one at a time."""


class TrainingError(AudiorecError):
    """Training cannot continue, or cannot start."""


class EngineError(AudiorecError):
    """A processing engine is not installed, does not answer, or lost the work."""


def data_error(where: str | Path, what: str, remedy: str) -> DataError:
    """Make an error of one line: the file, what is wrong with it, and the remedy."""
    return DataError(one_line(f"{where} {what}; {remedy}"))


def first_line(error: BaseException) -> str:
    """First line of another library's error; its class if it has no message."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def system_reason(error: Exception) -> str:
    """The system's reason of an error; for other errors, the first line."""
    return getattr(error, "strerror", None) or first_line(error)
