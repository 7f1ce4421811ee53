"""Cache of a system's vectors of held-out tracks, shared by studies."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from audiorec import artifacts
from audiorec.embeddings import Embeddings
from audiorec.evaluation import Holdout
from audiorec.evaluation.score_cache import ScoreCache
from audiorec.evaluation.systems import PredictedVectors, System, find_system, name_of, own_systems
from audiorec.exceptions import ArtifactError, NewerError, ParameterError
from audiorec.factors import AGREEMENT
from audiorec.progress import Progress

KIND = "cold-vectors"
PLACING = ("baseline", "model")  # roles of systems that predict vectors


class ColdVectors(NamedTuple):
    """Vectors of cold tracks by audio, and the weight of this prior; see `PriorDecay`."""

    tracks: Embeddings
    agreement: float


def placing_system(holdout: Holdout, name: str | None) -> tuple[str, System]:
    """Return a system by name; by default the recipe's own model, else the mel baseline.

    Raises
    ------
    ParameterError
        If the system does not predict vectors, or does not apply to the data.
    """
    own = own_systems(holdout.data.recipe)
    name = name or name_of(holdout.data.recipe)
    system = own.get(name) or find_system(name)
    if system.role not in PLACING:
        raise ParameterError(f"system {name!r} does not place tracks; name a baseline or a model")
    if reason := system.inapplicable(holdout.data):
        raise ParameterError(f"system {name!r} cannot be used: {reason}")
    return name, system


def cold_vectors(
    holdout: Holdout, name: str, system: System, *, work_directory: Path | None, progress: Progress
) -> ColdVectors:
    """Compute the vectors of the cold tracks as an index would serve them.

    Parameters
    ----------
    holdout : Holdout
    name : str
    system : System
        A system that predicts one vector per track.
    work_directory : Path or None
        Folder of the cache, and of the state of a killed training.
    progress : Progress

    Raises
    ------
    ParameterError
        If `system` is not one of those.
    """
    cache = ScoreCache(work_directory)
    place = cache.path(holdout.data, holdout.key, name, system, kind=KIND)
    if place is not None:
        try:
            kept = artifacts.load_manifest(place, kind=KIND, check="digests")
            return ColdVectors(Embeddings.load(place, kind=KIND), kept.extra["agreement"])
        except NewerError:
            raise
        except ArtifactError:
            pass  # missing or damaged: made again below
    work = cache.work(holdout.data, holdout.key, progress=progress)
    prediction = system.predict(holdout, work)
    draw = next(iter(prediction.draws))
    if not isinstance(draw, PredictedVectors) or draw.listeners is not None:
        raise ParameterError(f"system {name!r} gives no vectors in the listeners' space")
    tracks = Embeddings(holdout.cold, draw.cold)
    vectors = ColdVectors(tracks, prediction.facts.get("agreement", AGREEMENT))
    if place is not None:
        tracks.save(place, kind=KIND, extra={"agreement": vectors.agreement})
        work.clear()
    return vectors
