"""What a killed training run goes on from: tensors in safetensors, the rest in JSON, no pickle."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from audiorec import artifacts
from audiorec.exceptions import ArtifactError, NewerError

KIND = "training-state"
TENSORS = "tensors.safetensors"


def flatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Plain JSON for nested state; its tensors are put into `tensors` and named in their place.

    Raises
    ------
    TypeError
        For a value that neither JSON nor safetensors holds: state is never left out in silence.
    """
    if isinstance(value, Tensor):
        name = f"{len(tensors):06d}"
        # A copy: two names for one memory (tied or shared weights) are refused by safetensors.
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[flatten(k, tensors), flatten(v, tensors)] for k, v in value.items()]}
    if isinstance(value, list):
        return [flatten(v, tensors) for v in value]
    if isinstance(value, tuple):
        return {"tuple": [flatten(v, tensors) for v in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"training state holds a {type(value).__name__}, which cannot be stored")


def unflatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The state that `flatten` took apart."""
    if isinstance(value, list):
        return [unflatten(v, tensors) for v in value]
    if isinstance(value, dict):
        ((kind, inside),) = value.items()
        if kind == "tensor":
            return tensors[inside]
        if kind == "tuple":
            return tuple(unflatten(v, tensors) for v in inside)
        return {unflatten(k, tensors): unflatten(v, tensors) for k, v in inside}
    return value


class StateIO(CheckpointIO):
    """Lightning's saving and loading of a run's state, as an artifact.

    Parameters
    ----------
    key : str
        Digest of the settings and inputs of the run. State with another key is not this run's.
    """

    def __init__(self, *, key: str) -> None:
        self.key = key

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Replace the state at `path`, in one rename."""
        directory = Path(path)
        directory.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, Tensor] = {}
        plain = flatten(checkpoint, tensors)
        with artifacts.temp_path(directory / TENSORS, SafetensorError) as aside:
            save_file(tensors, aside)
            entry = artifacts.put_file(directory, TENSORS, aside)
        artifacts.commit(
            directory,
            kind=KIND,
            files={TENSORS: entry},
            config={"key": self.key},
            inputs={},
            extra={"state": plain},
        )

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """The state at `path`; `ArtifactError` when it is not whole or another run's."""
        directory = Path(path)
        manifest = artifacts.load_manifest(directory, kind=KIND)
        if manifest.config.get("key") != self.key:
            raise ArtifactError(f"{directory} is the state of another training run")
        if artifacts.damaged(directory, manifest):
            raise ArtifactError(f"{directory} is damaged")
        try:
            tensors = load_file(directory / manifest.files[TENSORS].file)
            state: dict[str, Any] = unflatten(manifest.extra["state"], tensors)
        except (SafetensorError, KeyError, ValueError, TypeError) as error:
            raise ArtifactError(f"{directory} is damaged ({error})") from None
        return state

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove the state at `path`."""
        shutil.rmtree(path, ignore_errors=True)

    def find(self, path: Path) -> dict[str, Any] | None:
        """The state at `path`, or None when there is none that this run can go on from."""
        try:
            return self.load_checkpoint(path)
        except NewerError:
            raise
        except ArtifactError:
            return None


def state_on_cpu(module: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of a module's weights and buffers, on the CPU."""
    return {name: t.detach().cpu().clone() for name, t in module.state_dict().items()}
