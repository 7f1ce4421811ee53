"""Settings of version 0.1 that version 0.2 still accepts, with a notice for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiorec.exceptions import ParameterError
from audiorec.models import FIXED_ENCODER, PRETRAINED_ENCODERS

# New names of sections; None if the section was removed.
SECTIONS = {"listening": "interactions", "map": None}
# New names, by (current) section and old name.
RENAMED = {
    ("index", "half_listeners"): "prior_half_life_users",
    ("evaluate", "rank"): "rank_by",
    ("evaluate", "test_share"): "test_fraction",
}
VALUES: dict[tuple[str, str], dict[str, str]] = {
    ("model", "encoder"): {"descriptors": FIXED_ENCODER},
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
# Replacements to suggest for values without a successor.
REMEDIES = {
    ("train", "loss", "wpe"): 'write loss = "mse", which predicts better',
}


def is_described(settings: dict[str, Any]) -> bool:
    """Whether a recipe asks for the architecture "described", the default of 0.1."""
    model = settings.get("model")
    if not isinstance(model, dict) or model.get("encoder", "cnn") != "cnn":
        return False
    return bool(model.get("architecture") == "described")


def update_settings(
    settings: dict[str, Any], *, former: Mapping[str, frozenset[str]]
) -> tuple[dict[str, Any], list[str]]:
    """Convert a recipe's settings to current names and values, with a line for each change.

    Parameters
    ----------
    settings : dict
        Sections by name, as in TOML; not modified.
    former : mapping of str to frozenset of str
        Removed settings by section.

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
    notes = []
    for old, new in SECTIONS.items():
        if old not in current:
            continue
        section = current.pop(old)
        if new is None:
            notes.append(f"[{old}] is no longer a section and is ignored")
        else:
            current.setdefault(new, section)
            notes.append(f"[{old}] is now [{new}]; the old name will be removed in 0.3")
    for name, section in current.items():
        if isinstance(section, dict):
            notes += _update_section(name, section, former.get(name, frozenset()))
    return current, notes


def _update_section(name: str, section: dict[str, Any], former: frozenset[str]) -> list[str]:
    """Update a section in place; return a line for each change."""
    notes = []
    for (where, old), new in RENAMED.items():
        if where == name and old in section:
            section.setdefault(new, section[old])
            del section[old]
            notes.append(f"[{name}] {old} is now {new}; the old name will be removed in 0.3")
    if name == "model":
        notes += _update_model(section)
    for (where, key), new_values in VALUES.items():
        value = section.get(key)
        if where == name and value in new_values:
            section[key] = new_values[value]
            notes.append(f'[{name}] {key} = "{value}" is now "{section[key]}"')
    for (where, key, value), remedy in REMEDIES.items():
        if where == name and section.get(key) == value:
            raise ParameterError(f'[{name}] {key}="{value}" was removed; {remedy}')
    for key in [key for key in section if key in former]:
        del section[key]
        notes.append(f"[{name}] {key} is no longer a setting and is ignored")
    return notes


def _update_model(model: dict[str, Any]) -> list[str]:
    """Name the encoder in one setting, and drop a head that 0.1 wrote but did not read."""
    notes = []
    trained = model.get("encoder", "cnn") == "cnn"
    old = model.pop("architecture", None)
    if trained and old is not None:
        if old not in ARCHITECTURES:
            raise ParameterError(f"[model] architecture={old!r} is none; write encoder instead")
        model["encoder"] = ARCHITECTURES[old]
        notes.append(f'[model] architecture = "{old}" is now encoder = "{model["encoder"]}"')
    fixed = (*PRETRAINED_ENCODERS, FIXED_ENCODER, *VALUES["model", "encoder"])
    if model.get("head") == "linear" and model.get("encoder", "cnn") not in fixed:
        del model["head"]
        notes.append('[model] head = "linear" is for encoders that stay as they are, and ignored')
    return notes
