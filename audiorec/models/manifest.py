"""What a model's manifest tells without torch."""

from __future__ import annotations

from audiorec.artifacts import Manifest

FORMAT = 2  # 1 knew two kinds of model, networks and heads


def trained_by_earlier_version(manifest: Manifest) -> str:
    """What to say of a model whose format is no longer read, and what to run; else empty."""
    if manifest.extra.get("format", 1) == FORMAT:
        return ""
    config = manifest.config.get("model", {})
    encoder = config.get("encoder", "cnn")
    kind = (
        f"architecture {config.get('architecture')}" if encoder == "cnn" else f"encoder {encoder}"
    )
    return f"was trained by an earlier version ({kind}); run 'audiorec run'"
