"""Heads and last layers of pretrained encoders, learned from factors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import audiorec.pretrained.encoder
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.inference import embed_store
from audiorec.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.musicnn import MEL, Musicnn
from audiorec.pretrained.heard import Heard
from audiorec.pretrained.transfer import Transfer
from audiorec.training import learn

CONFIG = TrainConfig(max_epochs=30, patience=30, learning_rate=3e-3, mixup=0, device="cpu")


@pytest.fixture(scope="module")
def world():
    """Taste that is linear in what was heard, and an artist for every four tracks."""
    rng = np.random.default_rng(0)
    ids = [f"t{n:03}" for n in range(160)]
    place = rng.standard_normal((160, 10))
    windows = {
        i: (row + 0.1 * rng.standard_normal((3, 10))).astype("f4")
        for i, row in zip(ids, place, strict=True)
    }
    targets = Embeddings(ids, place[:, :4] @ rng.standard_normal((4, 4)))
    groups = {i: f"a{n // 4}" for n, i in enumerate(ids)}
    return Heard("musicnn-msd", MEL, windows=windows, widths=(6, 4, 0)), targets, groups


@pytest.mark.parametrize(("head", "kind"), [("linear", Transfer), ("dense", Checkpoint)])
def test_a_head_learns_from_what_was_heard(world, head, kind, tmp_path):
    heard, targets, groups = world
    model = ModelConfig(encoder="musicnn", head=head, hidden=32, dropout=0.0)
    known = targets.take(targets.ids[:120])
    learned = learn(heard, known, heard=heard, groups=groups, model=model, config=CONFIG)
    assert isinstance(learned.model, kind)
    assert bool(learned.history) == (head == "dense")
    found = embed_store(learned.model, heard, ids=targets.ids[120:], heard=heard)
    cosines = (unit_norm(found.vectors) * unit_norm(targets.vectors[120:])).sum(axis=1)
    assert cosines.mean() > (0.9 if head == "linear" else 0.8)
    if isinstance(learned.model, Checkpoint):
        save_checkpoint(tmp_path, learned.model, inputs={})
        again = embed_store(load_checkpoint(tmp_path), heard, ids=targets.ids[120:], heard=heard)
        assert np.array_equal(again.vectors, found.vectors)


class Store:
    """Twelve tracks of one window each."""

    config = MEL
    fingerprint = "noise"
    ids = tuple(f"t{n:02}" for n in range(12))

    def mels(self, track_id):
        rng = np.random.default_rng(int(track_id[1:]))
        return [rng.uniform(0, 4, (96, 187)).astype("f2")]


def test_last_layers_go_on_from_the_published_weights(monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        original = Musicnn().eval()
    monkeypatch.setattr(audiorec.pretrained.encoder, "load_network", lambda name: original)
    store, rng = Store(), np.random.default_rng(0)
    with torch.inference_mode():
        windows = {}
        for i in store.ids:
            said = original(torch.from_numpy(store.mels(i)[0][None].astype("f4")))
            windows[i] = torch.cat([said.penultimate, said.logits], dim=1).numpy()
    heard = Heard("musicnn-msd", MEL, windows=windows, widths=(200, 50, 0))
    learned = learn(
        store,
        Embeddings(store.ids, rng.standard_normal((12, 3))),
        heard=heard,
        groups={i: i for i in store.ids},
        model=ModelConfig(encoder="musicnn", finetune=1),
        config=CONFIG.model_copy(update={"max_epochs": 1, "learning_rate": 1e-4, "ema_decay": 0}),
    ).model
    assert isinstance(learned, Checkpoint) and learned.window == 187
    state, before = learned.weights, original.state_dict()
    assert torch.equal(state["musicnn.timbre.0.conv.weight"], before["timbre.0.conv.weight"])
    change = (state["musicnn.dense.weight"] - before["dense.weight"]).abs()
    assert 0 < change.max() < 1e-2
    found = embed_store(learned, store)
    assert found.vectors.shape == (12, 3)
