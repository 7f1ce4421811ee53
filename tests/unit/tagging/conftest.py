"""A network without the published weights: it hears, and knows nothing."""

from __future__ import annotations

import pytest
import torch

from audiorec.models.musicnn import Musicnn
from audiorec.pretrained import find
from audiorec.pretrained.encoder import TagEncoder


def ignorant(name: str = "musicnn") -> TagEncoder:
    """A network of random weights."""
    torch.manual_seed(0)
    return TagEncoder(find(name), Musicnn(50), device="cpu")


@pytest.fixture(scope="session")
def encoder() -> TagEncoder:
    """A network of random weights."""
    return ignorant()
