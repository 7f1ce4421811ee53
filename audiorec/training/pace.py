"""How fast this machine takes a training step, and which way of taking it is the fastest."""

from __future__ import annotations

import contextlib
import copy
import logging
import statistics
import time
from collections.abc import Callable
from itertools import product
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from audiorec.exceptions import ParameterError, first_line
from audiorec.models.config import TrainConfig

LOG = logging.getLogger("audiorec.training")
ROUNDS = 3  # steps that are timed, after one that is not
WORTH = 0.95  # of the plain way's time that another must take at most: results differ a little

Layout = Literal["plain", "channels-last"]


class Pace(NamedTuple):
    """A way to take training steps.

    Attributes
    ----------
    precision : str
        As Lightning calls it.
    layout : {"plain", "channels-last"}
        Of two-dimensional convolutions in memory.
    compiled : {"no", "yes"}
    """

    precision: str = "32-true"
    layout: Layout = "plain"
    compiled: Literal["no", "yes"] = "no"


def pick_precision(name: str, *, device: torch.device) -> str:
    """The precision of that name; "auto" is half precision on CUDA, full elsewhere.

    Raises
    ------
    ParameterError
        If the device cannot compute in it.
    """
    if name == "16-mixed" and device.type == "cpu":
        raise ParameterError("precision='16-mixed' needs CUDA or MPS; use 'auto' or 'bf16-mixed'")
    if name not in ("auto", "fastest"):
        return name
    if device.type != "cuda":
        return "32-true"
    return _half(device)


def pick_pace(
    network: nn.Module, mel: Tensor, *, config: TrainConfig, device: torch.device, steps: int
) -> Pace:
    """How to train a network: as the settings say, and what they leave open as measured.

    Parameters
    ----------
    network : nn.Module
        It is not changed, nor is torch's random state.
    mel : Tensor [shape=(batch, n_mels, n_frames)]
        A batch, standardised.
    config : TrainConfig
    device : torch.device
    steps : int
        Steps to come.

    Returns
    -------
    pace : Pace
        With nothing to measure, nothing is measured.

    Raises
    ------
    ParameterError
        If the device cannot compute as asked.
    """
    stated = pick_precision(config.precision, device=device)
    precisions = [stated]
    if config.precision == "fastest" and device.type == "cpu":
        precisions = [stated, _half(device)]
    elif config.precision == "fastest" and device.type == "cuda":
        precisions = ["32-true", stated]
    layouts: list[Layout] = (
        ["plain", "channels-last"] if config.layout == "fastest" else [config.layout]
    )
    paces = [Pace(*each) for each in product(precisions, layouts)]
    best = paces[0]
    seconds = {}
    with torch.random.fork_rng():
        if len(paces) > 1:
            steppers = {pace: stepper(network, mel, pace=pace, device=device) for pace in paces}
            seconds = _timed(steppers)
            fastest = min(seconds, key=seconds.__getitem__)
            best = fastest if seconds[fastest] <= WORTH * seconds[best] else best
            LOG.info("a training step takes %s", _told(seconds))
        if config.compile != "no":
            best = _compiled(network, mel, best, config=config, device=device, steps=steps)
    if config.precision == "fastest" or config.layout == "fastest" or config.compile == "fastest":
        LOG.info("training goes on with %s", _name(best))
    return best


def put_in_pace(network: nn.Module, pace: Pace) -> list[Any]:
    """Lay a network out as `pace` says; the network compiled, in a list, or nothing in it."""
    if pace.layout == "channels-last":
        network.to(memory_format=torch.channels_last)
    return [torch.compile(network)] if pace.compiled == "yes" else []


def _half(device: torch.device) -> str:
    whole = device.type == "cpu" or torch.cuda.is_bf16_supported()
    return "bf16-mixed" if whole else "16-mixed"


def _compiled(
    network: nn.Module,
    mel: Tensor,
    pace: Pace,
    *,
    config: TrainConfig,
    device: torch.device,
    steps: int,
) -> Pace:
    """The pace compiled, where that is asked for, or pays."""
    compiled = pace._replace(compiled="yes")
    began = time.perf_counter()
    try:
        step = stepper(network, mel, pace=compiled, device=device)
        step()
    except Exception as error:  # whatever a compiler says, and torch's own on top of it
        reason = f"torch cannot compile the network here ({first_line(error)})"
        if config.compile == "yes":
            raise ParameterError(f"{reason}; write compile = 'no' under [train]") from None
        LOG.info("%s", reason)
        return pace
    took = time.perf_counter() - began
    if config.compile == "yes":
        return compiled
    plain = stepper(network, mel, pace=pace, device=device)
    seconds = _timed({pace: plain, compiled: step})
    saved = steps * (seconds[pace] - seconds[compiled])
    LOG.info("compiling took %.1f s and would save %.1f s: %s", took, saved, _told(seconds))
    return compiled if saved > took else pace


def stepper(
    network: nn.Module, mel: Tensor, *, pace: Pace, device: torch.device
) -> Callable[[], None]:
    """What goes forward and back through a copy of a network, as `pace` says.

    Parameters
    ----------
    network, mel, device
        See `pick_pace`.
    pace : Pace
    """
    own = copy.deepcopy(network).to(device).train()
    say = (put_in_pace(own, pace) or [own])[0]
    batch = mel.to(device)
    half = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(pace.precision)

    def step() -> None:
        casting = (
            contextlib.nullcontext() if half is None else torch.autocast(device.type, dtype=half)
        )
        with casting:
            out = say(batch).float()
        out.square().mean().backward()
        own.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def _timed(steppers: dict[Pace, Callable[[], None]]) -> dict[Pace, float]:
    """Median seconds of each way, taken in turn."""
    seconds: dict[Pace, list[float]] = {pace: [] for pace in steppers}
    for number in range(-1, ROUNDS):
        for pace, step in steppers.items():
            began = time.perf_counter()
            step()
            if number >= 0:
                seconds[pace].append(time.perf_counter() - began)
    return {pace: statistics.median(times) for pace, times in seconds.items()}


def _name(pace: Pace) -> str:
    compiled = ", compiled" if pace.compiled == "yes" else ""
    return f"{pace.precision}, {pace.layout}{compiled}"


def _told(seconds: dict[Pace, float]) -> str:
    return "; ".join(f"{1e3 * took:.1f} ms as {_name(pace)}" for pace, took in seconds.items())
