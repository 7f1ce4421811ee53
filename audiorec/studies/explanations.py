"""Deletion test of explanations: whether the named parts carry the match.

In pairs of near tracks, the time spans and bands named by `audiorec explain --sound` are hidden, or
as many random ones: hiding the named ones must reduce the match more (Samek et al. 2017,
"Evaluating the visualization of what a deep neural network has learned").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import DataError
from audiorec.explain.occlusion import cosines, hide, occlude_clips, slots
from audiorec.inference import embed, load_model
from audiorec.mel import MelStore
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.playlists import interval_of
from audiorec.studies.tables import StudyReport, StudyTable

N_PAIRS = 200
NEAREST = 10  # from which the other track of a pair is drawn
N_SECONDS, N_BANDS = 3, 2  # hidden parts
N_RANDOM = 3  # random draws compared with the named parts
SEED = 0


def run(study: StudyInputs) -> StudyReport:
    """Hide the named parts, and as many random ones.

    Raises
    ------
    ArtifactError
        If there is no model, or no spectrograms.
    DataError
        If there are too few tracks.
    """
    model = load_model(study.workspace.model)
    store = MelStore(study.workspace.mels)
    ids = [i for i in Embeddings.load(study.workspace.embeddings).ids if i in store]
    if len(ids) <= NEAREST:
        raise DataError(f"{len(ids)} tracks have none that is near and none that is far; add music")
    units = unit_norm(np.asarray(Embeddings.load(study.workspace.embeddings).take(ids).vectors))
    rng = np.random.default_rng(SEED)
    drops: dict[str, list[tuple[float, float]]] = {"seconds": [], "bands": []}
    for number in range(N_PAIRS):
        study.progress("explanations", number, N_PAIRS)
        row = int(rng.integers(len(ids)))
        near = [r for r in np.argsort(-(units @ units[row])).tolist() if r != row][:NEAREST]
        clips = store.mels(ids[row])
        other = ids[near[int(rng.integers(NEAREST))]]
        target = embed(model, [(other, store.mels(other))]).vectors[0]
        named = occlude_clips(model, ids[row], clips, target=target)
        for what, parts, n in (
            ("seconds", named.seconds, N_SECONDS), ("bands", named.bands, N_BANDS)
        ):  # fmt: skip
            order = np.argsort([-part.loss for part in parts], kind="stable")
            chosen = [order[:n], *(rng.permutation(len(parts))[:n] for _ in range(N_RANDOM))]
            variants = [[_without(mel, what, some) for mel in clips] for some in chosen]
            whole, first, *others = cosines(model, [clips, *variants], target=target)
            drops[what].append((whole - first, whole - float(np.mean(others))))
    study.progress("explanations", N_PAIRS, N_PAIRS)
    rows = []
    for what, pairs in drops.items():
        by_name, by_chance = np.array(pairs).T
        rows.append(
            {
                "hidden": f"{N_SECONDS} of 10 tenths"
                if what == "seconds"
                else f"{N_BANDS} of 8 bands",
                "those named": float(by_name.mean()),
                "as many at random": float(by_chance.mean()),
                "difference": interval_of(by_name - by_chance, rng),
                "pairs in which more": float((by_name > by_chance).mean()),
            }
        )
    title = f"What the cosine of {N_PAIRS} pairs of near tracks loses without parts of one of them"
    return StudyReport((StudyTable(title, tuple(rows[0]), tuple(rows)),))


def _without(mel: np.ndarray, what: str, parts: Sequence[int] | np.ndarray) -> np.ndarray:
    """Hide some tenths of a spectrogram's time, or some eighths of its bands."""
    every = slots(mel.shape[1], 10) if what == "seconds" else slots(mel.shape[0], 8)
    for part in parts:
        slot = every[int(part)]
        mel = hide(mel, time=slot) if what == "seconds" else hide(mel, bands=slot)
    return mel
