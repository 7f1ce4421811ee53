"""Training checkpoint: tensors in safetensors, the rest in JSON, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten, treespec_dumps, treespec_loads

from audiorec import artifacts

KIND = "training-state"
TENSORS = "tensors.safetensors"


def save_state(directory: Path, state: dict[str, Any], *, key: str) -> None:
    """Replace the checkpoint in a directory, in one rename.

    Parameters
    ----------
    directory : Path
    state : dict
        Of tensors and plain values, nested. Any other value is a `TypeError`.
    key : str
        Digest of the settings and inputs of the run.
    """
    directory.mkdir(parents=True, exist_ok=True)
    values, structure = tree_flatten(state)
    # Copies: safetensors rejects two names of one memory (tied or shared weights).
    tensors = {
        str(number): value.detach().cpu().contiguous().clone()
        for number, value in enumerate(values)
        if isinstance(value, Tensor)
    }
    plain = [None if isinstance(value, Tensor) else value for value in values]
    with artifacts.temp_path(directory / TENSORS, SafetensorError) as aside:
        save_file(tensors, aside)
        entry = artifacts.put_file(directory, TENSORS, aside)
    artifacts.commit(
        directory,
        kind=KIND,
        files={TENSORS: entry},
        config={"key": key},
        inputs={},
        extra={"values": plain, "structure": treespec_dumps(structure)},
    )


def find_state(directory: Path, *, key: str) -> dict[str, Any] | None:
    """Read the checkpoint in a directory; None if it is damaged, or of another run."""
    manifest = artifacts.load_valid(directory, kind=KIND, check="digests")
    if manifest is None or manifest.config.get("key") != key:
        return None
    values = list(manifest.extra["values"])
    for number, tensor in load_file(directory / manifest.files[TENSORS].file).items():
        values[int(number)] = tensor
    state: dict[str, Any] = tree_unflatten(values, treespec_loads(manifest.extra["structure"]))
    return state
