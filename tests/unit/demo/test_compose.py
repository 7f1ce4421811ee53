"""Styles, plans and notes, without any sound."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from audiorec.demo import plan_music
from audiorec.demo.accompaniment_figures import BASS, COMP, DRUMS
from audiorec.demo.catalog_plan import MusicPlan
from audiorec.demo.compose import CHANNELS, CLIP_SECONDS, compose
from audiorec.demo.names import NameGenerator
from audiorec.demo.styles import (
    BASS_FIGURES,
    COMP_FIGURES,
    DIMS,
    DRUM_FIGURES,
    SCALE_BRIGHTNESS,
    SCALES,
    STYLES,
    family_of,
)
from audiorec.demo.truth import attributes, audible


@pytest.fixture(scope="module")
def plans() -> list[MusicPlan]:
    cast = plan_music(42, n_artists=42, seed=5)
    return [entry.parts[0] for entry in cast.entries if entry.kind == "track"]


def test_at_least_twelve_styles_that_differ() -> None:
    assert len(STYLES) >= 12
    assert len({s.name for s in STYLES}) == len(STYLES)
    for a, b in combinations(STYLES, 2):
        assert np.linalg.norm(np.subtract(a.pull, b.pull)) > 1.0, (a.name, b.name)
        assert (a.lead, a.comp) != (b.lead, b.comp)
        assert a.progressions != b.progressions


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.name)
def test_a_style_is_well_formed(style) -> None:  # type: ignore[no-untyped-def]
    assert len(style.pull) == len(DIMS)
    assert set(style.scales) <= set(SCALES)
    assert set(style.comp_figures) <= set(COMP)
    assert set(style.bass_figures) <= set(BASS)
    assert set(style.drum_figures) <= set(DRUMS)
    for program in (*style.lead, *style.comp, *style.pad, *style.bass):
        assert family_of(program)


def test_tables_agree() -> None:
    assert set(COMP_FIGURES) == set(COMP)
    assert set(BASS_FIGURES) == set(BASS)
    assert set(DRUM_FIGURES) == set(DRUMS)
    assert set(SCALE_BRIGHTNESS) == set(SCALES)
    for name, figure in DRUMS.items():
        assert {len(steps) for steps in figure.values()} <= {12 if name == "waltz" else 16}


def test_same_plan_same_notes(plans: list[MusicPlan]) -> None:
    assert compose(plans[0]) == compose(plans[0])
    assert compose(plans[0]) != compose(replace(plans[0], number=plans[0].number + 1))


def test_notes_fill_the_clip(plans: list[MusicPlan]) -> None:
    for plan in plans:
        score = compose(plan)
        end = max(note.start for note in score.notes) * 60.0 / score.tempo
        assert end > CLIP_SECONDS - 4 * plan.beats * 60.0 / score.tempo
        assert all(12 <= n.pitch <= 115 and 1 <= n.velocity <= 127 for n in score.notes)
        assert {n.channel for n in score.notes} <= set(CHANNELS.values())


def test_melody_stays_in_the_scale(plans: list[MusicPlan]) -> None:
    for plan in plans:
        allowed = {(plan.key + step) % 12 for step in SCALES[plan.scale]}
        lead = [n.pitch % 12 for n in compose(plan).notes if n.channel == CHANNELS["lead"]]
        assert set(lead) <= allowed


def test_dims_are_in_the_notes(plans: list[MusicPlan]) -> None:
    """What is asked of the notes is found in them."""
    lead = [[n for n in compose(p).notes if n.channel == CHANNELS["lead"]] for p in plans]
    seconds = [max(n.start for n in notes) / p.tempo for notes, p in zip(lead, plans, strict=True)]
    beats = [s * p.tempo for s, p in zip(seconds, plans, strict=True)]
    found = {
        "density": [len(notes) / b for notes, b in zip(lead, beats, strict=True)],
        "register": [np.mean([n.pitch for n in notes]) for notes in lead],
        "energy": [np.mean([n.velocity for n in notes]) for notes in lead],
        "tempo": [p.tempo for p in plans],
    }
    for name, values in found.items():
        asked = [plan.dim(name) for plan in plans]
        assert np.corrcoef(asked, values)[0, 1] > 0.75, name


def test_a_live_version_is_the_same_music_faster(plans: list[MusicPlan]) -> None:
    studio = compose(plans[0])
    live = compose(replace(plans[0], tempo=plans[0].tempo * 1.06, crowd=True))
    shared = min(len(studio.notes), len(live.notes)) // 2
    assert [n.pitch for n in live.notes[:shared]] == [n.pitch for n in studio.notes[:shared]]
    assert live.tempo > studio.tempo


def test_names_are_unique() -> None:
    names = NameGenerator(np.random.default_rng(0))
    titles = [names.title() for _ in range(3_000)]
    artists = [names.artist() for _ in range(1_000)]
    assert len({t.casefold() for t in titles}) == len(titles)
    assert len({a.casefold() for a in artists}) == len(artists)


def test_cast_keeps_its_promises() -> None:
    cast = plan_music(60, n_artists=15, seed=2)
    tracks = [e for e in cast.entries if e.kind == "track"]
    assert len(tracks) == 60
    assert {e.artist for e in tracks} == set(range(15))
    assert len({e.path.casefold() for e in cast.entries}) == len(cast.entries)
    assert {e.artist_name for e in cast.held_back}.isdisjoint(e.artist_name for e in cast.entries)
    assert cast == plan_music(60, n_artists=15, seed=2)
    assert cast != plan_music(60, n_artists=15, seed=3)


def test_tracks_vary_around_their_artist_and_artists_around_their_style() -> None:
    cast = plan_music(1_400, n_artists=280, seed=0)
    tracks = [e for e in cast.entries if e.kind == "track"]
    dims = np.array([e.parts[0].dims for e in tracks])

    def within(labels: list[int]) -> float:
        rows = np.array(labels)
        means = {label: dims[rows == label].mean(axis=0) for label in set(labels)}
        return float(np.var(dims - np.array([means[label] for label in labels])))

    by_artist, by_style = (
        within([e.artist for e in tracks]),
        within([e.parts[0].style for e in tracks]),
    )
    assert 0.15 < by_artist < by_style < float(np.var(dims))


def test_attributes_have_one_of_each_category() -> None:
    cast = plan_music(30, n_artists=10, seed=0)
    table = attributes(cast.entries)
    assert table.values.shape == (len(cast.entries), len(table.names))
    music = np.array([e.kind == "track" for e in cast.entries])
    for group in ("style", "lead", "comp", "pad", "scale", "drum_figure"):
        columns = [i for i, n in enumerate(table.names) if n.startswith(group + ":")]
        np.testing.assert_allclose(table.values[music][:, columns].sum(axis=1), 1.0)
    assert np.isfinite(audible(table).values).all()
