"""What filters listen for, where it is known what they listen for."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from audiorec.audio import MelConfig
from audiorec.cli import cli
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.exceptions import NotFoundError
from audiorec.explain import read_filters
from audiorec.explain.activations import filter_layers
from audiorec.explain.units import genre_columns
from audiorec.index import IndexConfig, build_index
from audiorec.models import (
    ContentModel,
    InputScale,
    ModelConfig,
    TrainConfig,
    build_network,
    save_model,
)
from audiorec.models.encoders import build_encoder
from audiorec.recommend import Library
from audiorec.workspace import Workspace

from ..stored_mels import store_mels

MEL = MelConfig(sr=8000, n_fft=512, hop_length=400, n_mels=16, clip_seconds=6.0)
N, ARTISTS = 80, 40
BURST = 4.0  # seconds of the clip, where the low genre is loudest


def make_mel(row):
    """Noise; of one track in four, by an artist of the low genre, with strong low bands."""
    mel = np.random.default_rng(row).normal(-60, 3, (16, MEL.frames(6.0)))
    if row % ARTISTS % 4 == 0:
        mel[:4] += 25
        mel[:4, MEL.frames(BURST) : MEL.frames(BURST + 0.5)] += 15
    return mel.astype(np.float16)


def make_model(encoder="dieleman2014"):
    """A network whose first filter adds up the four lowest bands, and whose second is constant."""
    config = ModelConfig(encoder=encoder, channels=6, hidden=8)
    scale = InputScale(np.full(16, -60, np.float32), np.full(16, 10, np.float32))
    torch.manual_seed(3)
    network = build_network(config, mel=MEL, n_outputs=4, scale=scale, published=False)
    first = next(m for m in network.encoder.modules() if isinstance(m, torch.nn.Conv1d))
    with torch.no_grad():
        first.weight[:2] = 0
        first.weight[0, :4] = 0.25
        first.bias[1] = 1.0
        first.bias[0] = 0
    return ContentModel(
        network.eval(), config, MEL, TrainConfig(crop_seconds=1.5, device="cpu"), n_outputs=4,
        output_norm="unit", space="abc",
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    path = tmp_path_factory.mktemp("units")
    workspace = Workspace(path / "ws")
    workspace.create()
    ids = [f"t{row:02d}" for row in range(N)]
    y = 0.1 * np.sin(np.arange(8000 * 20) / 5).astype(np.float32)
    soundfile.write(path / "t00.wav", y, 8000)
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(id_, str(path / f"{id_}.wav"), f"A{row % ARTISTS}", f"<T{row}>",
                  genre="low" if row % ARTISTS % 4 == 0 else "high; other", clip_hash=id_,
                  duration=20.0)
            for row, id_ in enumerate(ids)
        )  # fmt: skip
    store_mels(workspace.mels, {id_: make_mel(int(id_[1:])) for id_ in ids}, config=MEL)
    save_model(workspace.model, make_model(), inputs={})
    embeddings = Embeddings(ids, np.random.default_rng(0).normal(size=(N, 4)))
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind="exact"))
    index.save(workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "sound"})
    return workspace


def test_a_filter_of_low_bands_finds_the_genre_that_has_them(workspace):
    found = read_filters(Library(workspace), layer="layer 1")
    assert (found.encoder, found.n_tracks, found.n_top) == ("dieleman2014", N, 10)
    assert (found.n_filters, found.n_constant) == (6, 1)
    planted = next(each for each in found.filters if each.number == 0)
    assert (planted.genre, planted.share, planted.lift) == ("low", 1.0, 4.0)
    assert planted.p < 0.01 and planted.lift_by_max == 4.0 and found.n_selective >= 1
    assert all(int(e.track_id[1:]) % ARTISTS % 4 == 0 for e in (*planted.by_mean, *planted.by_max))
    assert all(e.seconds == pytest.approx(BURST + 0.25, abs=0.5) for e in planted.by_max)


def test_genres_that_mean_nothing_are_not_found(workspace):
    library = Library(workspace)
    rng = np.random.default_rng(1)
    of_artist = rng.permutation(["low"] * 10 + ["high"] * 30)

    def track(id_):
        return replace(library.catalog.get(id_), genre=str(of_artist[int(id_[1:]) % ARTISTS]))

    library.track = track
    found = read_filters(library)
    # Of filters that all hear one thing the p of one says it for all.
    planted = next(e for e in found.filters if (e.layer, e.number) == ("layer 1", 0))
    assert planted.p > 0.05


def test_where_no_genre_is_known_filters_have_none(workspace):
    library = Library(workspace)
    track = library.track
    library.track = lambda id_: replace(track(id_), genre="")
    found = read_filters(library, layer="layer 1")
    assert {(each.genre, each.lift, each.share) for each in found.filters} == {("", 1.0, 0.0)}
    with pytest.raises(NotFoundError, match="12 tracks with spectrograms are too few"):
        read_filters(library, n_tracks=12)


def test_the_page_and_the_json(workspace):
    run = CliRunner().invoke
    done = run(cli, ["-w", str(workspace.root), "explain", "units", "-n", "3", "--json"])
    assert done.exit_code == 0, done.stderr
    table = json.loads(done.stdout)
    assert len(table["filters"]) == 3 and table["n_filters"] == 24
    assert set(table["filters"][0]["by_max"][0]) == {"track_id", "activation", "clip", "seconds"}
    page = (workspace.reports / "units.html").read_text()
    assert page.count("<h2>") == 3 and page.count("data:image/png;base64,") == 12
    assert "&lt;T" in page and "<T0>" not in page
    text = run(cli, ["-w", str(workspace.root), "explain", "units", "--layer", "layer 1"])
    assert "by chance" in text.stdout and text.exit_code == 0
    page = (workspace.reports / "units.html").read_text()
    assert "excerpts have no sound" in text.stderr  # of all files one is there
    wrong = run(cli, ["-w", str(workspace.root), "explain", "units", "--layer", "x"])
    assert isinstance(wrong.exception, NotFoundError) and "'x'" in str(wrong.exception)


@pytest.mark.parametrize(
    ("encoder", "names", "widths"),
    [
        ("cnn", 3, {6}), ("dieleman2014", 4, {6}), ("vandenoord2013", 2, {6}),
        ("shortchunk", 7, {6, 12, 24}),
    ],
)  # fmt: skip
def test_every_encoder_that_learns_has_its_layers(encoder, names, widths):
    from audiorec.explain.activations import recording

    network = build_encoder(
        ModelConfig(encoder=encoder, channels=6), mel=MEL, published=False
    ).eval()
    layers = filter_layers(network)
    assert len(layers) == names
    with torch.inference_mode(), recording(layers) as recorded:
        network(torch.zeros(1, 16, 128))
    assert {out.shape[1] for out in recorded.values()} == widths


def test_published_networks_have_theirs_and_fixed_features_none():
    layers = filter_layers(build_encoder(ModelConfig(encoder="musicnn"), mel=MEL, published=False))
    assert list(layers) == [
        "timbre 1", "timbre 2", "rhythm 1", "rhythm 2", "rhythm 3", "middle 1", "middle 2",
        "middle 3",
    ]  # fmt: skip
    vgg = filter_layers(build_encoder(ModelConfig(encoder="vgg-msd"), mel=MEL, published=False))
    assert list(vgg) == [f"layer {n}" for n in range(1, 6)]
    with pytest.raises(NotFoundError, match="has no filters"):
        filter_layers(build_encoder(ModelConfig(encoder="spectrogram-statistics"), mel=MEL))


def test_genres_with_few_tracks_are_left_out():
    names, columns = genre_columns(["a; b"] * 12 + ["c"] * 9 + ["b"] * 3)
    assert names == ["a", "b"] and columns.sum(axis=0).tolist() == [12, 15]


def test_a_picture_of_why_two_match(workspace, tmp_path):
    run = CliRunner().invoke
    for name, head in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        file = tmp_path / name
        done = run(
            cli, ["-w", str(workspace.root), "explain", "t00", "t04", "--picture", str(file)]
        )
        assert done.exit_code == 0, done.stderr
        assert file.read_bytes().startswith(head) and "carried, in A0" in done.stdout
    done = run(cli, ["-w", str(workspace.root), "explain", "t00", "t04", "--picture", "a.gif"])
    assert done.exit_code == 2 and "must end in one of" in done.stderr
