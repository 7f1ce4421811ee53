"""Choice of torch's device."""

from __future__ import annotations

import torch

from audiorec.exceptions import ParameterError


def pick_device(name: str) -> torch.device:
    """Get the device of a name; "auto" is the fastest one available.

    Raises
    ------
    ParameterError
        If the machine has no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available()}
    there["mps"] = torch.backends.mps.is_available()
    if name == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if there[d]))
    if not there.get(name, False):
        raise ParameterError(f"device={name!r} is not on this machine; use 'auto' or 'cpu'")
    return torch.device(name)
