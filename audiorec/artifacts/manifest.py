"""Manifest of an artifact: its kind, settings, inputs and files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from audiorec.artifacts.digests import fingerprint

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
HEXADECIMAL = re.compile("[0-9a-f]+")
BARE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\\0]+")


@dataclass(frozen=True)
class ArtifactFile:
    """One file of an artifact: its name on disk, size in bytes, and digest."""

    file: str
    size: int
    digest: str

    def __post_init__(self) -> None:
        if not isinstance(self.file, str) or not BARE_NAME.fullmatch(self.file):
            raise ValueError(f"file={self.file!r} must be a bare name")
        if type(self.size) is not int or self.size < 0:
            raise ValueError(f"size={self.size!r} must be a number of bytes")
        if not isinstance(self.digest, str) or not HEXADECIMAL.fullmatch(self.digest):
            raise ValueError(f"digest={self.digest!r} must be hexadecimal digits")


@dataclass(frozen=True)
class Manifest:
    """Kind, settings, inputs and files of an artifact.

    Attributes
    ----------
    kind : str
        Kind of contents: "factors", "embeddings", ...
    config : dict
        Settings it was made with.
    inputs : dict of str to str
        Fingerprint of each input, by the input's name.
    files : dict of str to ArtifactFile
        Its files, by logical name.
    extra : dict
        Any other facts about it, as plain JSON.
    """

    kind: str
    config: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    files: dict[str, ArtifactFile] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str):
            raise ValueError(f"kind={self.kind!r} must be text")
        for name in ("config", "inputs", "files", "extra"):
            if not isinstance(getattr(self, name), dict):
                raise ValueError(f"{name} must be a table")
        if not all(isinstance(value, str) for value in self.inputs.values()):
            raise ValueError(f"inputs={self.inputs!r} must be digests")

    @property
    def fingerprint(self) -> str:
        """Digest of the whole manifest, its files' digests included."""
        return fingerprint(self.as_json())

    @property
    def content(self) -> str:
        """Digest of its files alone: unchanged if equal arrays are made from other inputs."""
        return fingerprint({name: entry.digest for name, entry in sorted(self.files.items())})

    @property
    def digests(self) -> frozenset[str]:
        """Both digests by which other artifacts may record it as an input."""
        return frozenset((self.content, self.fingerprint))

    def as_json(self) -> dict[str, Any]:
        """Content of its file, except for its own digest."""
        return {
            "format_version": FORMAT_VERSION,
            "kind": self.kind,
            "config": self.config,
            "inputs": self.inputs,
            "files": {name: vars(entry) for name, entry in sorted(self.files.items())},
            "extra": self.extra,
        }
