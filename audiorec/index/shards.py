"""An index built in parts, by as many processes or machines as there are, and merged.

Lists are learned once, from a sample of all vectors; every part is built upon them by whoever has
its vectors; merging then copies lists and compares nothing. An HNSW graph cannot be merged, so
that parts are inverted lists, whatever the settings say.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.index.arrays import taken
from audiorec.index.exact import Served
from audiorec.index.index import Index
from audiorec.index.lookup import id_array
from audiorec.index.plan import Plan, make_plan

if TYPE_CHECKING:
    from audiorec.config import IndexConfig

KIND = "lists"


def train_lists(
    sample: Embeddings, *, n: int, config: IndexConfig, directory: Path
) -> artifacts.Manifest:
    """Learn the lists that every shard of an index is built upon.

    Parameters
    ----------
    sample : Embeddings
        Drawn from all shards: 64 vectors a list are as many as help, and there are about
        8 * sqrt(n) lists.
    n : int
        Vectors in all shards together.
    config : IndexConfig
    directory : Path
        Where they are kept, an artifact of kind "lists".
    """
    from audiorec.index import structures

    memory = config.memory_bytes
    plan = make_plan(n, sample.dim, kind="ivf", exact_below=1, memory=memory)
    directory.mkdir(parents=True, exist_ok=True)
    with artifacts.temp_path(directory / "trained.faiss") as aside:
        served = Served(sample.vectors, config.metric)
        structures.train(served, plan=plan, memory=memory, path=aside)
        entry = artifacts.put_file(directory, "trained.faiss", aside)
    return artifacts.commit(
        directory,
        kind=KIND,
        files={"trained": entry},
        config=_settings(config).model_dump(mode="json"),
        inputs={},
        extra={"factory": plan.factory, "dim": sample.dim, "n": n},
    )


def build_shard(embeddings: Embeddings, *, lists: Path, work: Path | None = None) -> Index:
    """Index a part of all vectors, an index in its own right.

    Parameters
    ----------
    embeddings : Embeddings
    lists : Path
        What `train_lists` kept.
    work : Path or None
        A folder for what is larger than memory allows; None for the system's own.
    """
    from audiorec.config import IndexConfig

    manifest = artifacts.load_manifest(lists, kind=KIND)
    config = IndexConfig(**manifest.config)
    if embeddings.dim != manifest.extra["dim"]:
        raise ParameterError(
            f"vectors of {embeddings.dim} dimensions do not fit lists of "
            f"{manifest.extra['dim']}; train lists on the same vectors"
        )
    ids = id_array(embeddings.ids)
    order = np.argsort(ids, kind="stable")
    index = Index(
        ids=ids[order],
        order=np.arange(len(ids), dtype=np.int64),
        vectors=taken(embeddings.vectors, order, memory=config.memory_bytes // 2, folder=work),
        settings=manifest.config,
        work=work,
    )
    sized = make_plan(
        len(ids), embeddings.dim, kind="ivf", exact_below=1, memory=config.memory_bytes
    )
    plan = Plan("ivf", manifest.extra["factory"], sized.on_disk)
    index.rebuild(plan=plan, trained=lists / manifest.files["trained"].file)
    index.extra["lists"] = manifest.fingerprint
    return index


def merge_shards(shards: Sequence[Path], *, lists: Path, work: Path | None = None) -> Index:
    """One index of several that were built upon the same lists and kept.

    Parameters
    ----------
    shards : sequence of Path
        Folders that `Index.save` wrote, with ``extra=shard.extra``; read from disk as they are
        copied, so that memory holds ids and no vectors.
    lists : Path
        What `train_lists` kept.
    work : Path or None
        See `build_shard`.

    Returns
    -------
    index : Index
        Its lists on disk; measured and tuned as one that was built at once.

    Raises
    ------
    ArtifactError
        If a shard is missing, damaged, or built upon other lists.
    ParameterError
        If two shards hold an id.
    """
    manifest = artifacts.load_manifest(lists, kind=KIND)
    parts = [Index.load(shard) for shard in shards]
    for shard, part in zip(shards, parts, strict=True):
        if part.extra.get("lists") != manifest.fingerprint:
            raise ArtifactError(
                f"{shard} was not built upon the lists in {lists}; build it again with them"
            )
    return Index.merged(
        parts,
        trained=lists / manifest.files["trained"].file,
        factory=manifest.extra["factory"],
        settings=manifest.config,
        work=work,
    )


def _settings(config: IndexConfig) -> IndexConfig:
    """The settings of an index that stays what it is, however few vectors are left in it."""
    return config.model_copy(update={"kind": "ivf", "hubs": "none"})
