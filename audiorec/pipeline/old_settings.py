"""Values of settings of version 0.1 that version 0.2 still takes, with a line for each."""

from __future__ import annotations

from typing import Any

from audiorec.exceptions import ParameterError
from audiorec.models.config import PRETRAINED_ENCODERS

# What an old value stands for now; None has no successor, and the remedy is told instead.
VALUES: dict[tuple[str, str], dict[str, str]] = {
    ("model", "head"): {"linear": "ridge", "dense": "mlp"},
    ("model", "target"): {"listeners": "factors", "sound": "content"},
    ("train", "loss"): {"contrastive-all": "contrastive"},
}
ARCHITECTURES = {
    "small1d": "cnn",
    "paper2013": "vandenoord2013",
    "dieleman2014": "dieleman2014",
    "shortchunk": "shortchunk",
}
REMOVED = {
    ("train", "loss", "wpe"): 'write loss = "mse", which predicts better',
}
DROPPED = {
    "model": ("words", "musical", "discriminants", "heads", "landmarks"),
    "train": (
        "level_popularity", "shrinkage", "accumulate", "min_steps", "weight_decay",
        "validation_share", "time_mask", "band_mask", "gain_db", "filter_db", "pitch_shift",
        "ema_decay", "gradient_clip", "precision", "layout", "compile",
    ),
}  # fmt: skip


def is_described(settings: dict[str, Any]) -> bool:
    """Whether a recipe asks for the architecture "described", the default of 0.1."""
    model = settings.get("model")
    if not isinstance(model, dict) or model.get("encoder", "cnn") != "cnn":
        return False
    return bool(model.get("architecture") == "described")


def translate(settings: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The settings of a recipe with the values of today, and a line for each that was changed.

    Parameters
    ----------
    settings : dict
        By section, as in the recipe; left as they are.

    Raises
    ------
    ParameterError
        If a setting has no successor.
    """
    if is_described(settings):
        raise ParameterError(
            '[model] architecture="described" was removed; take the recipe default, or write '
            'encoder = "cnn" in its place'
        )
    current = {k: dict(v) if isinstance(v, dict) else v for k, v in settings.items()}
    lines = []
    model = current.get("model")
    if isinstance(model, dict) and "architecture" in model:
        old = model.pop("architecture")
        if model.get("encoder", "cnn") == "cnn":
            if old not in ARCHITECTURES:
                raise ParameterError(f"[model] architecture={old!r} is none; write encoder instead")
            model["encoder"] = ARCHITECTURES[old]
            lines.append(f'[model] architecture = "{old}" is now encoder = "{model["encoder"]}"')
    if (
        isinstance(model, dict)
        and model.get("head") == "linear"
        and model.get("encoder", "cnn") not in (*PRETRAINED_ENCODERS, "descriptors")
    ):
        del model[
            "head"
        ]  # 0.1 wrote it into every recipe, and read it of pretrained encoders alone
        lines.append('[model] head = "linear" is for encoders that stay as they are, and ignored')
    for (section, key), values in VALUES.items():
        table = current.get(section)
        old = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict) and old in values:
            table[key] = values[old]
            lines.append(f'[{section}] {key} = "{old}" is now "{values[old]}"')
    for (section, key, value), remedy in REMOVED.items():
        table = current.get(section)
        if isinstance(table, dict) and table.get(key) == value:
            raise ParameterError(f'[{section}] {key}="{value}" was removed; {remedy}')
    for section, keys in DROPPED.items():
        table = current.get(section)
        gone = [key for key in keys if isinstance(table, dict) and key in table]
        for key in gone:
            del current[section][key]
        if gone:
            lines.append(f"[{section}] {', '.join(gone)}: no longer settings, and ignored")
    return current, lines
