"""A network without the published weights: it hears, and knows nothing."""

from __future__ import annotations

import pytest
import torch

from audiorec.models.encoders import PretrainedEncoder
from audiorec.models.encoders.pretrained import empty_pretrained


def ignorant(name: str = "musicnn") -> PretrainedEncoder:
    """A network of random weights."""
    torch.manual_seed(0)
    return empty_pretrained(name).eval()


@pytest.fixture(scope="session")
def encoder() -> PretrainedEncoder:
    """A network of random weights."""
    return ignorant()
