"""Artifacts: directories of plain arrays and a manifest, replaced atomically.

Each file of an artifact carries a digest of its content in its name and is written aside, then
renamed. The manifest comes last, in one rename, and is what makes the artifact: killed before
that rename, the artifact that stood there before still stands. What the new manifest no longer
names is removed after it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from audiorec.exceptions import (
    ArtifactError,
    NewerError,
    WriteError,
    first_line,
    system_reason,
)
from audiorec.manifest_types import check_extra

FORMAT_VERSION = 2
# Kinds of format 1 that are read on, since nothing here can make them, or not without decoding
# everything; and the settings that their manifests call by an older name.
READ_ON: dict[str, dict[str, str]] = {
    "plays": {},
    "mels": {"clip": "clip_position"},
    "pretrained": {},
}
# Settings of 0.2.0 that are constants by now, with their values: manifests of then have them.
CONSTANTS: dict[str, Any] = {
    "fmin": 0.0, "fmax": None, "rating_plays": 10.0, "epsilon": 1e-6, "dislike_alpha": 1.0,
    "min_support": 2,
}  # fmt: skip
PAD_MODES = {"db": "constant", "log10": "reflect"}
SEEDLESS = {"session_gap_minutes", "n_neighbors"}  # sections that had a seed
MANIFEST = "manifest.json"
STAGE_OF = {
    "plays": "plays",
    "mels": "mel",
    "factors": "factors",
    "model": "train",
    "embeddings": "embed",
    "index": "index",
    "sessions": "sessions",
    "map": "map",
    "pretrained": "pretrained fetch",
    "probe": "tags --all",
}

# What numpy raises for an array whose header, a Python literal, is torn.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    OverflowError,
    MemoryError,
    tokenize.TokenError,
)
DIGITS = 64  # of the digests that are written
DIGITS_IN_NAME = 12
MOST_MANIFEST = 1 << 28  # bytes: more is none that was written here
HEXADECIMAL = re.compile("[0-9a-f]+")
BARE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\\0]+")
# Names that this module gives to files: ``name.DIGEST.suffix``, and what `temp_path` writes to.
OWN_NAME = re.compile(
    rf"[\w-]+\.(?P<digest>[0-9a-f]{{{DIGITS_IN_NAME}}})(\.\w+)?|\..+\.\d+\.part", re.ASCII
)
DIGESTS: dict[int, Callable[[], Any]] = {
    # Of the sound ones the fastest where processors have instructions for it.
    DIGITS: hashlib.sha256,
    32: lambda: hashlib.blake2b(digest_size=16),
}
"""How digests are made, by their hexadecimal digits: this version's, then earlier ones'."""
MISSING = {
    "plays": "are no plays",
    "mels": "are no spectrograms",
    "factors": "are no factors",
    "embeddings": "are no embeddings",
    "sessions": "are no session models",
    "map": "is no map",
    "pretrained": "is no pretrained network",
}


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
    """What an artifact is and what it was made from.

    Attributes
    ----------
    kind : str
        What it holds: "factors", "embeddings", ...
    config : dict
        The settings that made it.
    inputs : dict of str to str
        Fingerprint of each input, by the input's name.
    files : dict of str to ArtifactFile
        Its files, by logical name.
    extra : dict
        Anything else worth keeping, as plain JSON.
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
        """Digest of everything the manifest says, its files' digests included."""
        return fingerprint(self._as_json())

    @property
    def content(self) -> str:
        """Digest of its files alone: made again from other inputs, equal arrays keep it."""
        return fingerprint({name: entry.digest for name, entry in sorted(self.files.items())})

    @property
    def digests(self) -> frozenset[str]:
        """Both digests by which other artifacts may name it among their inputs."""
        return frozenset((self.content, self.fingerprint))

    def _as_json(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "kind": self.kind,
            "config": self.config,
            "inputs": self.inputs,
            "files": {name: vars(entry) for name, entry in sorted(self.files.items())},
            "extra": self.extra,
        }


def fingerprint(value: Any) -> str:
    """Digest of bytes, or of anything that is plain JSON: 32 hexadecimal digits."""
    if not isinstance(value, bytes):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.blake2b(value, digest_size=16).hexdigest()


def digest_file(path: Path, *, digits: int = DIGITS) -> str:
    """Digest of a file's content, read in blocks: so many hexadecimal digits, see `DIGESTS`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, DIGESTS[digits]).hexdigest()


def matches(path: Path, digest: str) -> bool:
    """Whether a file's content has a digest, this version's or an earlier one's, or its beginning.

    What is as long as no digest is taken for the beginning of any.
    """
    known = [len(digest)] if len(digest) in DIGESTS else list(DIGESTS)
    return any(digest_file(path, digits=digits).startswith(digest) for digits in known)


def write_error(path: Path, error: Exception) -> WriteError:
    """The error for a file that cannot be written: no room, no permission."""
    reason = system_reason(error)
    return WriteError(
        f"{path} cannot be written ({reason}); make room on the disk or check its permissions, "
        "and run the same command again: what stood there still stands"
    )


@contextmanager
def temp_path(path: Path, *errors: type[Exception]) -> Iterator[Path]:
    """Temporary path beside `path`; removed when the block ends, unless it was renamed.

    Parameters
    ----------
    path : Path
        What it shall become; its folder is made.
    *errors : type
        What whoever writes raises when it cannot, beside OSError.

    Raises
    ------
    WriteError
        If it cannot be written: no room, no permission.
    """
    if not path.name:
        raise ArtifactError(f"{str(path)!r} is no file's name; name the file to write")
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    kinds: tuple[type[Exception], ...] = (OSError, *errors)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
    except kinds as error:
        raise write_error(path, error) from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """A file to write that becomes `path`, flushed to disk, when the block ends well; else none."""
    with temp_path(path) as aside:
        with aside.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: aside, flushed to disk, then renamed into place."""
    with atomic_writer(path) as stream:
        stream.write(content)


def put_array(directory: Path, name: str, array: np.ndarray) -> ArtifactFile:
    """Write one array of an artifact that `commit` will name.

    Parameters
    ----------
    directory : Path
    name : str
        Logical name: the file is ``name.DIGEST.npy``.
    array : np.ndarray
        Of any dtype but object.
    """
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    about = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(header, about)
    parts = (header.getvalue(), array.reshape(-1).view(np.uint8).data)
    hashed = DIGESTS[DIGITS]()
    for part in parts:
        hashed.update(part)
    digest = hashed.hexdigest()
    path = directory / f"{name}.{digest[:DIGITS_IN_NAME]}.npy"
    with atomic_writer(path) as stream:
        stream.writelines(parts)
    return ArtifactFile(path.name, sum(map(len, parts)), digest)


def put_file(directory: Path, name: str, source: Path) -> ArtifactFile:
    """Move a finished file into an artifact that `commit` will name.

    Parameters
    ----------
    directory : Path
    name : str
        Logical name: ``vectors.faiss`` becomes ``vectors.DIGEST.faiss``.
    source : Path
        The file, on the same file system; it is renamed, not copied.
    """
    digest = digest_file(source)
    stem, dot, suffix = name.partition(".")
    target = directory / f"{stem}.{digest[:DIGITS_IN_NAME]}{dot}{suffix}"
    with source.open("rb+") as stream:
        os.fsync(stream.fileno())
    source.replace(target)
    return ArtifactFile(target.name, target.stat().st_size, digest)


def commit(
    directory: Path,
    *,
    kind: str,
    files: Mapping[str, ArtifactFile],
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    extra: Mapping[str, Any] | None = None,
) -> Manifest:
    """Make the artifact be these files, in one rename; then remove what it no longer names."""
    manifest = Manifest(kind, dict(config), dict(inputs), dict(files), dict(extra or {}))
    before = _files_before(directory, kind)
    body = manifest._as_json()
    text = json.dumps({**body, "fingerprint": fingerprint(body)}, indent=1, ensure_ascii=False)
    write_atomic(directory / MANIFEST, text.encode())
    _sweep(directory, manifest, before)
    return manifest


def move_into_place(source: Path, directory: Path, *, kind: str) -> Manifest:
    """Move a finished artifact into place, by renames alone.

    Parameters
    ----------
    source, directory : Path
        On the same file system; `source` is an artifact no more afterwards.
    kind : str
    """
    manifest = load_manifest(source, kind=kind)
    before = _files_before(directory, kind)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (*(entry.file for entry in manifest.files.values()), MANIFEST):
            (source / name).replace(directory / name)
    except OSError as error:
        raise write_error(directory, error) from None
    _sweep(directory, manifest, before)
    return manifest


def remove(directory: Path, manifest: Manifest) -> None:
    """Make the artifact be there no more; what has no name of its making stays."""
    (directory / MANIFEST).unlink(missing_ok=True)
    _sweep(directory, Manifest(manifest.kind), {entry.file for entry in manifest.files.values()})


def save(
    directory: Path,
    *,
    kind: str,
    arrays: Mapping[str, np.ndarray],
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    extra: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write an artifact that is arrays and nothing else.

    Parameters
    ----------
    directory : Path
        Where; an artifact that stands there is replaced.
    kind : str
        What it is, checked by `load_manifest`.
    arrays : mapping of str to np.ndarray
    config, inputs, extra
        See `Manifest`; plain JSON values.
    """
    files = {name: put_array(directory, name, array) for name, array in arrays.items()}
    return commit(directory, kind=kind, files=files, config=config, inputs=inputs, extra=extra)


def load_manifest(
    directory: Path, *, kind: str, check: Literal["sizes", "digests", "manifest"] = "sizes"
) -> Manifest:
    """Read an artifact's manifest, checked against its own digest.

    Parameters
    ----------
    directory : Path
    kind : str
        What it must hold.
    check : {"sizes", "digests", "manifest"}
        Whether its files must have their sizes, which costs a look at each; their digests too,
        for which every byte is read; or nothing, so that who asks can tell the good ones apart.

    Raises
    ------
    ArtifactError
        If there is none, it is of another kind, or damaged.
    NewerError
        If it is from a newer version.
    """
    path = directory / MANIFEST
    try:
        if path.stat().st_size > MOST_MANIFEST:
            raise ValueError("too large")
        raw = json.loads(path.read_bytes())
        declared = raw.pop("fingerprint")
        version = raw["format_version"]
        digest = fingerprint(raw)
        newer = version > FORMAT_VERSION
    except FileNotFoundError:
        called = f"there {MISSING.get(kind, f'is no {kind}')} in {directory}"
        without = (
            ", or do without: 'audiorec run pipelines/library.toml'" if kind == "plays" else ""
        )
        first = _importing(directory, kind) or f"run 'audiorec {STAGE_OF.get(kind, 'run')}'"
        raise ArtifactError(f"{called}; {first} first{without}") from None
    except OSError as error:
        reason = system_reason(error).lower()
        raise ArtifactError(f"{path} cannot be read: {reason}; check its permissions") from None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise _manifest_error(directory, kind, "is damaged") from None
    # Before its version is believed: every version says its digest so.
    if digest != declared:
        raise _manifest_error(directory, kind, "is damaged (its digest differs)")
    del raw["format_version"]
    if newer:
        raise NewerError(
            f"{path} has format version {version}, newer than {FORMAT_VERSION}; upgrade audiorec"
        )
    try:
        files = {name: ArtifactFile(**entry) for name, entry in raw.pop("files").items()}
        manifest = Manifest(files=files, **raw)
        _check_extra(manifest, version)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _manifest_error(directory, kind, f"cannot be trusted ({first_line(error)})") from None
    if manifest.kind != kind:
        raise ArtifactError(f"{directory} holds {manifest.kind}, not {kind}; {rebuild_hint(kind)}")
    manifest = _read_on(directory, manifest, version)
    if check != "manifest":
        for name in files:
            _check_size(directory, manifest, name)
    if check == "digests":
        for file in damaged(directory, manifest):
            raise ArtifactError(describe_damage(directory, manifest, file))
    return manifest


def _check_extra(manifest: Manifest, version: int) -> None:
    """Raise `ValueError` for a wrong `extra`; one of an earlier format that is made anew may be."""
    if version == FORMAT_VERSION or manifest.kind in READ_ON:
        check_extra(manifest.kind, manifest.extra)


def _read_on(directory: Path, manifest: Manifest, version: int) -> Manifest:
    """The manifest; of an earlier format, with the settings' names of today.

    Raises
    ------
    ArtifactError
        If artifacts of its kind are to be made again.
    """
    if version == FORMAT_VERSION:
        return manifest
    if manifest.kind not in READ_ON:
        imported = "imported" in manifest.extra
        again = rebuild_hint(manifest.kind, manifest) if imported else "run 'audiorec run'"
        raise ArtifactError(
            f"{directory} was made by an earlier version; {again} to make it again: "
            "the catalogue, plays and spectrograms are kept"
        )
    names = READ_ON[manifest.kind]
    config = {names.get(key, key): value for key, value in manifest.config.items()}
    return replace(manifest, config=config)


def without_constants(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those that are constants by now, where they had the constant's value.

    With another value they stay, so that no stage takes what they made for its own.
    """
    kept = {
        name: without_constants(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name not in CONSTANTS or CONSTANTS[name] != value
    }
    if "hop_length" in kept and kept.get("pad_mode") == PAD_MODES.get(str(kept.get("compression"))):
        kept.pop("pad_mode", None)  # spectrograms
    if kept.get("seed") == 0 and SEEDLESS & set(kept):
        del kept["seed"]
    return kept


def load_valid(
    directory: Path, *, kind: str, check: Literal["sizes", "digests", "manifest"] = "sizes"
) -> Manifest | None:
    """Manifest of a valid artifact; None where it is missing or damaged.

    Parameters
    ----------
    directory, kind, check
        See `load_manifest`.

    Raises
    ------
    NewerError
        If it is from a newer version: nothing may take its place.
    """
    try:
        return load_manifest(directory, kind=kind, check=check)
    except NewerError:
        raise
    except ArtifactError:
        return None


def rebuild_hint(kind: str, manifest: Manifest | None = None, name: str = "") -> str:
    """Command that makes an artifact again, or one file of it.

    Parameters
    ----------
    kind : str
    manifest : Manifest or None
        Imported artifacts say in it where their files came from: nothing here can make them.
    name : str
        Logical name of the file.
    """
    extra = {} if manifest is None else manifest.extra
    if "imported" in extra:
        return f"run 'audiorec import embeddings --replace' with {extra['imported']}"
    if kind == "plays":
        part = extra.get("parts", {}).get(name, {})
        source = part.get("source") or "csv"
        import shlex  # not before something is wrong

        option = "" if source == "csv" else f" --source {source}"
        return f"run 'audiorec plays {shlex.quote(part.get('file') or 'FILE')}{option}'"
    return f"run 'audiorec {STAGE_OF.get(kind, 'run')}'"


def was_imported(root: Path) -> bool:
    """Whether the vectors of a workspace came from elsewhere, where their manifest cannot say so.

    Then there is nothing that vectors are made of, and the index was made from them alone.
    """
    if exists(root / "mels") or exists(root / "model"):
        return False
    try:
        index = load_manifest(root / "index", kind="index", check="manifest")
    except ArtifactError:
        return exists(root / "embeddings")
    return set(index.inputs) == {"embeddings"}


def _importing(directory: Path, kind: str) -> str:
    """What makes imported vectors again that have no manifest; empty where it is a stage."""
    if kind == "embeddings" and was_imported(directory.parent):
        return "run 'audiorec import embeddings FILE --replace'"
    return ""


def _manifest_error(directory: Path, kind: str, what: str) -> ArtifactError:
    again = _importing(directory, kind) or rebuild_hint(kind)
    return ArtifactError(f"{directory / MANIFEST} {what}; {again} to make it again")


def describe_damage(directory: Path, manifest: Manifest, file: str) -> str:
    """One line that names a damaged file and the command that makes it again."""
    name = next(name for name, entry in manifest.files.items() if entry.file == file)
    again = f"{rebuild_hint(manifest.kind, manifest, name)} to make it again"
    what = "differs from its digest" if (directory / file).is_file() else "is missing"
    return f"{directory / file} {what}; {again}"


def exists(directory: Path) -> bool:
    """Whether an artifact stands there (it may still be damaged)."""
    return (directory / MANIFEST).is_file()


def load_array(directory: Path, manifest: Manifest, name: str, *, mmap: bool = True) -> np.ndarray:
    """One array of an artifact, memory-mapped and read-only unless `mmap` is False."""
    path = directory / manifest.files[name].file
    try:
        array: np.ndarray = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except UNREADABLE as error:
        again = f"{rebuild_hint(manifest.kind, manifest, name)} to make it again"
        raise ArtifactError(f"{path} cannot be read ({first_line(error)}); {again}") from None
    return array


def is_fresh(
    directory: Path,
    *,
    kind: str,
    inputs: Mapping[str, str],
    config: Mapping[str, Any] | None = None,
) -> bool:
    """Whether an artifact stands there whole, made from these inputs and, where given, settings.

    Raises
    ------
    NewerError
        If it is from a newer version.
    """
    manifest = load_valid(directory, kind=kind)
    if manifest is None or manifest.inputs != dict(inputs):
        return False
    if config is not None and without_constants(manifest.config) != dict(config):
        return False
    return not damaged(directory, manifest)


def damaged(directory: Path, manifest: Manifest) -> list[str]:
    """Files whose content differs from their digest in the manifest: every byte is read."""
    return [
        entry.file
        for entry in manifest.files.values()
        if not (directory / entry.file).is_file()
        or not matches(directory / entry.file, entry.digest)
    ]


def _check_size(directory: Path, manifest: Manifest, name: str) -> None:
    entry = manifest.files[name]
    path = directory / entry.file
    again = f"{rebuild_hint(manifest.kind, manifest, name)} to make it again"
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; {again}") from None
    if size != entry.size:
        raise ArtifactError(f"{path} has {size} bytes and should have {entry.size}; {again}")


def _files_before(directory: Path, kind: str) -> set[str]:
    """Names of the files of the artifact that stands there; none where it cannot be read."""
    with suppress(ArtifactError):
        manifest = load_manifest(directory, kind=kind, check="manifest")
        return {entry.file for entry in manifest.files.values()}
    return set()


def _sweep(directory: Path, manifest: Manifest, before: Collection[str]) -> None:
    """Remove files of the artifact's own making that its manifest does not name.

    These are the files `before`, and what a killed run has left: its content has the digest that
    its name says. Whatever else lies there is somebody else's and stays, and so does all in a
    folder that is reached by a link.
    """
    if directory.is_symlink():
        return
    named = {entry.file for entry in manifest.files.values()} | {MANIFEST}
    for path in directory.iterdir():
        if path.name in named or not path.is_file() or path.is_symlink():
            continue
        own = OWN_NAME.fullmatch(path.name)
        if own and (path.name in before or _is_left(path, own["digest"])):
            path.unlink(missing_ok=True)


def _is_left(path: Path, digest: str | None) -> bool:
    """Whether a file of our pattern of name is ours: written aside, or with the digest it says."""
    return digest is None or any(
        digest_file(path, digits=digits).startswith(digest) for digits in DIGESTS
    )
