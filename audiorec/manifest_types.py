"""Types of what manifests keep beside their files: one that was written by hand is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

NUMBER = (int, float)
OPTIONAL_NUMBER = (int, float, type(None))


class Each(NamedTuple):
    """A table or list whose values are all of one shape."""

    kind: type
    of: Any


class Needs(NamedTuple):
    """A value that must be there."""

    shape: Any


# By kind of artifact: a type, types, `Each`, or a table of such by key. Other keys may be anything:
# nothing reads them but to show them.
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "plays": {
        "parts": Each(
            dict,
            {"file": Needs(str), "source": Needs(str), "rows": Needs(int), "users": Needs(int),
             "tracks": Needs(int), "summed": int},
        ),
    },
    "factors": {"interactions": dict, "suspects": int},
    "mels": {"complete": bool, "absent": Each(list, str), "prints": int},
    "features": {"blocks": Needs(Each(dict, int))},
    "embeddings": {"imported": str},
    "model": {
        "format": int, "package": str, "n_outputs": int, "target": str, "output_norm": str,
        "output_scale": NUMBER, "space": str, "agreement": NUMBER,
        "smoothing": {"k": OPTIONAL_NUMBER},
    },
    "index": {
        "kind": Needs(str), "factory": str, "n": Needs(int), "rows": int, "dim": int,
        "effort": Needs(int), "recall_at_10": Needs(NUMBER), "recall_built": NUMBER,
        "imbalance": NUMBER, "imbalance_built": NUMBER, "built_rows": Needs(int), "played": int,
        "mean_norm": NUMBER, "target": str, "duplicates": Each(dict, int),
    },
    "sessions": {
        "default": Needs(str), "without_gru4rec": str, "embeddings": str, "elu": NUMBER,
        "cold_bias": NUMBER, "validation": Each(dict, dict),
    },
    "probe": {
        "numbers": Needs({name: Needs(NUMBER) for name in ("slope", "shift", "penalty")}),
        "report": Needs({"genres": Needs(Each(dict, int))}),
    },
}  # fmt: skip


def check_extra(kind: str, extra: Mapping[str, Any]) -> None:
    """Raise `ValueError` that names what is not of its type, or lacking.

    Parameters
    ----------
    kind : str
        Of the artifact.
    extra : mapping
        See `audiorec.artifacts.Manifest`.
    """
    _check(extra, SHAPES.get(kind, {}), "extra")


def _check(value: Any, shape: Any, name: str) -> None:
    if isinstance(shape, Each):
        _check(value, shape.kind, name)
        pairs = value.items() if shape.kind is dict else enumerate(value)
        for key, one in pairs:
            _check(one, shape.of, f"{name}.{key}")
    elif isinstance(shape, Mapping):
        _check(value, dict, name)
        for key, one in shape.items():
            required = isinstance(one, Needs)
            if key in value:
                _check(value[key], one.shape if required else one, f"{name}.{key}")
            elif required:
                raise ValueError(f"{name}.{key} is not there")
    elif not isinstance(value, shape):
        raise ValueError(f"{name:.60} is {value!r:.40}, of another type")
