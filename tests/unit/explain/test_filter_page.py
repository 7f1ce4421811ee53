"""The page of filters: what can be heard in it, and what cannot."""

from __future__ import annotations

import io
import re
from base64 import b64decode

import numpy as np
import pytest
import soundfile

from audiorec.audio import MelConfig
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.explain import FilterReading, NetworkReading, write_filter_page
from audiorec.explain.filter_page import RATE, SECONDS, summary
from audiorec.explain.units import Excerpt
from audiorec.index import IndexConfig, build_index
from audiorec.recommend import Library
from audiorec.workspace import Workspace

from ..stored_mels import store_mels

MEL = MelConfig(sr=8000, n_fft=512, hop_length=400, n_mels=16, clip_seconds=6.0)
LOW, HIGH, CHANGE = 440.0, 880.0, 5.0


@pytest.fixture
def library(tmp_path) -> Library:
    """A recording of 20 s whose tone changes at 5 s, and one that is gone."""
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    t = np.arange(20 * MEL.sr) / MEL.sr
    pitch = np.where(t < CHANGE, LOW, HIGH)
    soundfile.write(tmp_path / "here.wav", 0.3 * np.sin(2 * np.pi * pitch * t), MEL.sr)
    ids = ("gone", "here")
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(id_, str(tmp_path / f"{id_}.wav"), "A & B", id_, duration=20.0, clip_hash=id_)
            for id_ in ids
        )
    noise = np.random.default_rng(0).normal(-60, 3, (16, MEL.frames(6.0)))
    store_mels(workspace.mels, dict.fromkeys(ids, noise), config=MEL)
    embeddings = Embeddings(ids, np.eye(2, dtype=np.float32))
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind="exact"))
    index.save(workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "sound"})
    return Library(workspace)


def reading_of(*excerpts: Excerpt) -> NetworkReading:
    one = FilterReading("layer 1", 3, excerpts, (), "", 1.0, 0.0, 1.0, 1.0)
    return NetworkReading("cnn", 2, 2, 6, 1, 0, 1.0, (one,))


def test_an_excerpt_sounds_as_the_recording_does_around_the_strongest_moment(library, tmp_path):
    # The clip begins with the recording, and the excerpt at 2 s.
    reading = reading_of(Excerpt("here", 1.5, 0, 4.0), Excerpt("gone", 1.0, 0, 4.0))
    n_silent = write_filter_page(library, reading, tmp_path / "page.html", n_filters=5)
    page = (tmp_path / "page.html").read_text()
    assert n_silent == 1 and page.count("<audio") == 1 and page.count("<img") == 2
    assert "A &amp; B - here, 0:02" in page and "layer 1, filter 3" in page
    assert "no genre has enough tracks" in page
    (sound,) = re.findall(r'src="data:audio/mpeg;base64,([^"]*)"', page)
    y, sr = soundfile.read(io.BytesIO(b64decode(sound)))
    assert sr == RATE and len(y) / sr == pytest.approx(SECONDS, abs=0.1)
    for begin, pitch in ((0.5, LOW), (CHANGE - 2 + 0.3, HIGH)):
        part = y[round(begin * sr) : round((begin + 0.5) * sr)]
        loudest = np.abs(np.fft.rfft(part)).argmax() / 0.5
        assert loudest == pytest.approx(pitch, abs=4)


def test_the_summary_names_the_best_genre_where_there_is_one():
    reading = reading_of(Excerpt("here", 1.5, 0, 4.0))
    plain = list(summary(reading))
    assert plain[0] == "cnn: 6 filters, 1 of them the same for each of 2 tracks"
    assert len(plain) == 2
    best = reading.filters[0]._replace(genre="jazz", share=0.75, lift=3.0)
    (*_, last) = summary(reading._replace(filters=(best,)))
    assert "75 % are jazz, 3 times their share" in last
