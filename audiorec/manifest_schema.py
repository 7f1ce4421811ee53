"""Types of the `extra` facts in manifests, to reject manifests that were edited by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

NUMBER = (int, float)
OPTIONAL_NUMBER = (int, float, type(None))


class ValuesOf(NamedTuple):
    """A table or list whose values are all of one type."""

    kind: type
    of: Any


class Required(NamedTuple):
    """A required value."""

    shape: Any


# By kind of artifact: a type, types, `ValuesOf`, or a table of these by key. Other keys may
# have any value: they are only displayed.
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "plays": {
        "parts": ValuesOf(
            dict,
            {"file": Required(str), "source": Required(str), "rows": Required(int),
             "users": Required(int), "tracks": Required(int), "summed": int},
        ),
    },
    "factors": {"interactions": dict, "suspects": int},
    "mels": {"complete": bool, "absent": ValuesOf(list, str), "fingerprints": int, "prints": int},
    "features": {"blocks": Required(ValuesOf(dict, int))},
    "embeddings": {"imported": str},
    "model": {
        "format": int, "package": str, "n_outputs": int, "target": str, "output_norm": str,
        "output_scale": NUMBER, "space": str, "agreement": NUMBER,
        "smoothing": {"k": OPTIONAL_NUMBER},
    },
    "index": {
        "kind": Required(str), "factory": str, "n": Required(int), "rows": int, "dim": int,
        "effort": Required(int), "recall_at_10": Required(NUMBER), "recall_built": NUMBER,
        "imbalance": NUMBER, "imbalance_built": NUMBER, "built_rows": Required(int), "played": int,
        "mean_norm": NUMBER, "target": str, "duplicates": ValuesOf(dict, int),
    },
    "sessions": {
        "default": Required(str), "without_gru4rec": str, "embeddings": str, "elu": NUMBER,
        "cold_bias": NUMBER, "validation": ValuesOf(dict, dict),
    },
    "probe": {
        "numbers": Required({name: Required(NUMBER) for name in ("slope", "shift", "penalty")}),
        "report": Required({"genres": Required(ValuesOf(dict, int))}),
    },
}  # fmt: skip


def check_extra(kind: str, extra: Mapping[str, Any]) -> None:
    """Raise `ValueError` that names a value of the wrong type, or a missing one.

    Parameters
    ----------
    kind : str
        Of the artifact.
    extra : mapping
        See `audiorec.artifacts.Manifest`.
    """
    _check(extra, SHAPES.get(kind, {}), "extra")


def _check(value: Any, shape: Any, name: str) -> None:
    if isinstance(shape, ValuesOf):
        _check(value, shape.kind, name)
        pairs = value.items() if shape.kind is dict else enumerate(value)
        for key, one in pairs:
            _check(one, shape.of, f"{name}.{key}")
    elif isinstance(shape, Mapping):
        _check(value, dict, name)
        for key, one in shape.items():
            required = isinstance(one, Required)
            if key in value:
                _check(value[key], one.shape if required else one, f"{name}.{key}")
            elif required:
                raise ValueError(f"{name}.{key} is not there")
    elif not isinstance(value, shape):
        raise ValueError(f"{name:.60} is {value!r:.40}, of another type")
