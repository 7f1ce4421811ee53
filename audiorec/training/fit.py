"""One network through Lightning's loop, alone or together with other processes."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError
from audiorec.models.config import TrainConfig
from audiorec.models.losses import LOSSES
from audiorec.models.predict import InputScale, predict, standardize
from audiorec.progress import Progress
from audiorec.ranks import ALONE, Team
from audiorec.training.data import Crops, Examples
from audiorec.training.pace import Layout, Pace, pick_pace, pick_precision, put_in_pace

if TYPE_CHECKING:
    from audiorec.training.module import FactorModule
    from audiorec.training.state import StateIO

HEAD = 1_000_003  # between the seeds of one head and the next


class Run(NamedTuple):
    """What all learning of a call of `train` has in common.

    Attributes
    ----------
    config : TrainConfig
    directory : Path or None
        Of the state.
    key : str
        Digest of settings and inputs.
    device : torch.device
    progress : Progress
    team : Team
        Processes that share each batch.
    """

    config: TrainConfig
    directory: Path | None
    key: str
    device: torch.device
    progress: Progress
    team: Team = ALONE

    def part(self, number: int, of: int) -> Run:
        """The run of one of several heads, which one process learns alone."""
        epochs = self.config.max_epochs

        def progress(stage: str, done: int, total: int | None, note: str = "") -> None:
            self.progress(stage, number * epochs + done, of * epochs, note)

        return Run(
            self.config.model_copy(update={"seed": (self.config.seed + number * HEAD) % 2**31}),
            None if self.directory is None else self.directory / f"head-{number}",
            f"{self.key}-{number}",
            self.device,
            progress,
        )


def fit(
    network: nn.Module,
    training: Examples,
    validation: Examples,
    *,
    scale: InputScale,
    window: int,
    run: Run,
    shifts: Tensor | None = None,
) -> FactorModule:
    """Run Lightning's loop, from the state of a killed run where there is one."""
    import lightning.pytorch as pl

    from audiorec.training.module import FactorModule
    from audiorec.training.state import StateIO

    config, device, team = run.config, run.device, run.team
    crops = Crops(
        training,
        window=window,
        batch_size=config.batch_size,
        seed=config.seed,
        accumulate=config.accumulate,
    )
    if team.size > 1 and config.compile == "yes":
        raise ParameterError(
            "compile='yes' is for one process; write compile = 'no' under [train], or leave out "
            "torchrun"
        )
    if crops.smallest < team.size:
        raise ParameterError(
            f"batch_size={config.batch_size} leaves a batch of {crops.smallest} to {team.size} "
            "processes; raise it, or start fewer"
        )
    module = FactorModule(
        network,
        crops=crops,
        validation=validation,
        scale=scale,
        config=config,
        state_directory=run.directory,
        progress=run.progress,
        team=team,
        shifts=shifts,
    )
    io, directory = StateIO(key=run.key), run.directory
    state = io.find(directory) if directory is not None else None
    if state is not None:
        module.on_load_checkpoint(state)
        if module.finished:
            return module
    else:
        module.pace = team.agree(_paced(module, device=device) if team.first else Pace())
    module.compiled = put_in_pace(network, module.pace)
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else device.type,
        precision=cast(Any, module.pace.precision),
        max_epochs=module.config.max_epochs - len(module.history),
        accumulate_grad_batches=crops.accumulate,
        gradient_clip_val=module.config.gradient_clip,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=directory,
        **_processes(io, network, run=run),
    )
    with _interruptible():
        trainer.fit(module, module.crops, ckpt_path=directory if state is not None else None)
    return module


def _paced(module: FactorModule, *, device: torch.device) -> Pace:
    """How to train, by the first batch where it is to be measured."""
    config = module.config
    if module.team.size > 1:
        config = config.model_copy(update={"compile": "no"})
    if "fastest" not in (config.precision, config.layout) and config.compile == "no":
        layout: Layout = "plain" if config.layout == "plain" else "channels-last"
        return Pace(pick_precision(config.precision, device=device), layout)
    first = next(iter(module.crops)).mel
    return pick_pace(
        module.network,
        standardize(first, mean=module.mean.cpu(), std=module.std.cpu()),
        config=config,
        device=device,
        steps=len(module.crops) * config.max_epochs,
    )


def _processes(io: StateIO, network: nn.Module, *, run: Run) -> dict[str, Any]:
    """What Lightning is told of this process and those beside it."""
    from lightning.fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment

    team = run.team
    if team.size == 1:
        alone = [run.device.index or 0] if run.device.type == "cuda" else 1
        # Named, or a batch scheduler's variables in the environment would be taken for orders.
        return {"devices": alone, "plugins": [io, LightningEnvironment()]}
    from lightning.pytorch.strategies import DDPStrategy

    from audiorec.models.together import normalize_together

    normalize_together(network)
    return {
        "devices": team.local_size,
        "num_nodes": team.size // team.local_size,
        # Buffers are alike in all processes, computed from the whole batch.
        "strategy": DDPStrategy(broadcast_buffers=False),
        "use_distributed_sampler": False,
        "plugins": [io, TorchElasticEnvironment()],
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Keep advice of Lightning and of torch's compiler from the terminal; restore what was set."""
    import lightning.pytorch  # noqa: F401  (its import sets the level of its logger)

    names = ("lightning.pytorch", "lightning.fabric", "torch.utils.cpp_extension")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*|torch\._inductor\..*")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Give signals back their meaning.

    Lightning turns Ctrl-C into an exit and then ignores the signal, and lets a process that was
    told to terminate end with code 0, as if its work were done.
    """
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        if not error.code:
            raise SystemExit(128 + signal.SIGTERM) from None
        raise
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)


def predicted(
    network: nn.Module,
    examples: Examples,
    *,
    scale: InputScale,
    window: int,
    run: Run,
    norm: Literal["unit", "raw"] | None = None,
) -> Embeddings:
    """What inference says of examples, by default in the form that the loss learns."""
    found = predict(
        network.to(run.device),
        zip(examples.ids, examples.clips, strict=True),
        scale=scale,
        window=window,
        norm=norm or LOSSES[run.config.loss].norm,
        batch_size=64,
        device=run.device,
    )
    return Embeddings(examples.ids, np.stack([vector for _, vector in found]))
