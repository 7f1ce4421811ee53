from __future__ import annotations

import numpy as np
import pytest
import torch

from audiorec.data.catalog import Catalog
from audiorec.exceptions import AudioError
from audiorec.mel import MelStore, audio_to_mels, compute_mels
from audiorec.models import compute_features, encode_clips
from audiorec.scan import scan
from audiorec.tagging import (
    autotag_catalog,
    autotag_file,
    load_probe,
    pretrained_tags,
    tag_catalog,
    tag_file,
)
from audiorec.workspace import Workspace


@pytest.fixture(scope="module")
def music(tmp_path_factory, tune, write_audio):
    """Five files of 7 s, and one shorter than a window."""
    folder = tmp_path_factory.mktemp("music")
    for n in range(5):
        write_audio(folder / f"{n}.wav", tune(7, sr=16000, channels=1, seed=n), sr=16000)
    write_audio(folder / "short.wav", tune(2, sr=16000, channels=1, seed=9), sr=16000)
    return folder


@pytest.fixture
def workspace(tmp_path, music):
    """A workspace in which these have been scanned."""
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        scan(catalog, [music], n_jobs=1)
    return workspace


def test_every_track_is_heard_once_and_failures_are_named(workspace, encoder, music):
    with Catalog(workspace.catalog) as catalog:
        assert autotag_catalog(catalog, encoder, n_jobs=1) == (5, 0, 1)
        (failure,) = catalog.failures()
        assert (failure.stage, failure.path) == ("tags", str(music / "short.wav"))
        assert failure.reason == (
            f"{music / 'short.wav'} lasts 2.0 s and musicnn-msd takes 3.0 s at once; "
            "too short to tag"
        )
        assert autotag_catalog(catalog, encoder, n_jobs=1) == (0, 5, 1)
        assert catalog.tags.n_untagged() == 0  # nothing is left to hear
        assert len(catalog.tags.features("musicnn-msd")) == 5


def test_a_tag_is_the_mean_over_windows_and_one_file_and_many_agree(workspace, encoder, music):
    with Catalog(workspace.catalog) as catalog:
        autotag_catalog(catalog, encoder, n_jobs=2)
        track = catalog.find(str(music / "3.wav"))
        stored = {
            tag.tag: tag.confidence for tag in catalog.tags.of([track.track_id])[track.track_id]
        }
        features = {id_: row for id_, _, row in catalog.tags.features("musicnn-msd")}
    (mel,) = audio_to_mels(music / "3.wav", config=encoder.mel)
    assert mel.shape[1] // encoder.window == 2
    row = encode_clips(encoder, [mel], device=torch.device("cpu"))[0]
    at = sum(width for block, width in encoder.blocks.items() if block in ("mean", "std", "logits"))
    for tag, mean in zip(encoder.tags, row[at : at + len(encoder.tags)], strict=True):
        assert stored.get(tag, mean) == pytest.approx(mean, abs=1e-6)
        assert (tag in stored) == (mean >= 0.05)
    alone = autotag_file(music / "3.wav", encoder)
    np.testing.assert_allclose(alone.features, features[track.track_id], atol=1e-5)
    assert alone.features.shape == (200 + 200 + 50,)


class Stop(Exception):
    """What stops a run midway."""


def test_a_run_that_is_stopped_goes_on(workspace, encoder, monkeypatch):
    def stop(stage, done, total, note=""):
        if done == 3:
            raise Stop

    monkeypatch.setattr(pretrained_tags, "BATCH_SECONDS", 0.0)
    with Catalog(workspace.catalog) as catalog:
        with pytest.raises(Stop):
            autotag_catalog(catalog, encoder, n_jobs=1, progress=stop)
        before = len(catalog.tags.features("musicnn-msd"))
        assert 1 <= before <= 3
        report = autotag_catalog(catalog, encoder, n_jobs=1)
        assert report.tagged + before == 5


def test_spectrograms_that_fit_are_taken_and_others_are_not(workspace, encoder, monkeypatch):
    with Catalog(workspace.catalog) as catalog:
        compute_mels(workspace.mels, catalog, config=encoder.mel, n_jobs=1)
        store = MelStore(workspace.mels)
        autotag_catalog(catalog, encoder, n_jobs=1)
        decoded = {id_: row for id_, _, row in catalog.tags.features("musicnn-msd")}
        catalog.tags.drop_stale(decoded)
        catalog._execute_many("DELETE FROM tag_features", [()])

        def no_decoding(function, items, **options):
            assert not list(items)
            return iter([])

        monkeypatch.setattr(pretrained_tags, "run_isolated", no_decoding)
        assert autotag_catalog(catalog, encoder, store=store, n_jobs=1).tagged == 5
        for id_, _, row in catalog.tags.features("musicnn-msd"):
            np.testing.assert_allclose(row, decoded[id_], atol=0.02)  # stored in half precision
        assert pretrained_tags._store_is_current(store, encoder, catalog)
        catalog.mark_missing([store.ids[0]])
        assert not pretrained_tags._store_is_current(
            store, encoder, catalog
        )  # the catalogue has changed since


def test_what_was_encoded_for_other_ends_is_not_encoded_again(workspace, encoder, monkeypatch):
    monkeypatch.setattr(
        "audiorec.models.frozen_features.build_encoder", lambda config, mel: encoder
    )
    with Catalog(workspace.catalog) as catalog:
        autotag_catalog(catalog, encoder, n_jobs=1)
        before = catalog.tags.features("musicnn-msd")
        said = catalog.tags.of([row[0] for row in before])
        catalog._execute_many("DELETE FROM tag_features", [()])
        compute_mels(workspace.mels, catalog, config=encoder.mel, n_jobs=1)
        compute_features(MelStore(workspace.mels), encoder="musicnn", directory=workspace.features)

        def unexpected(*arguments, **options):
            raise AssertionError("heard again")

        monkeypatch.setattr(pretrained_tags, "encode_clips", unexpected)
        assert autotag_catalog(catalog, encoder, directory=workspace.features, n_jobs=1) == (
            0,
            5,
            1,
        )
        after = catalog.tags.features("musicnn-msd")
        assert [row[:2] for row in after] == [row[:2] for row in before]
        for (_, _, now), (_, _, then) in zip(after, before, strict=True):
            np.testing.assert_allclose(now, then, atol=0.02)  # spectrograms in half precision
        for track_id, tags in catalog.tags.of([row[0] for row in after]).items():
            of = {tag.tag: tag.confidence for tag in tags}
            assert of == pytest.approx({t.tag: t.confidence for t in said[track_id]}, abs=0.02)


def test_a_clip_shorter_than_a_window_is_one_clear_error(encoder, music):
    with pytest.raises(AudioError, match=r"short.wav lasts 2.0 s and musicnn-msd takes 3.0 s"):
        autotag_file(music / "short.wav", encoder)


def test_a_file_that_changed_is_heard_again(workspace, encoder, music, tmp_path, write_audio, tune):
    folder = tmp_path / "own"
    file = write_audio(folder / "a.wav", tune(4, sr=16000, channels=1, seed=1), sr=16000)
    own = Workspace(tmp_path / "other")
    own.create()
    with Catalog(own.catalog) as catalog:
        scan(catalog, [folder], n_jobs=1)
        autotag_catalog(catalog, encoder, n_jobs=1)
        write_audio(file, tune(5, sr=16000, channels=1, seed=2), sr=16000)
        scan(catalog, [folder], n_jobs=1)
        assert autotag_catalog(catalog, encoder, n_jobs=1).tagged == 1


def test_a_probe_is_kept_and_learned_again_only_for_other_genres(
    workspace, encoder, monkeypatch, music
):
    """The five tracks stand for many: their features are planted."""
    from dataclasses import replace

    from audiorec.data.catalog import Autotags, Track

    rng = np.random.default_rng(0)
    with Catalog(workspace.catalog) as catalog:
        autotag_catalog(catalog, encoder, n_jobs=1)
        tracks = [
            Track(f"t{i:03}", f"/t/{i}", artist=f"A{i // 3}", genre=("Dub", "Ska")[i // 3 % 2],
                  clip_hash=str(i))
            for i in range(60)
        ]  # fmt: skip
        catalog.upsert(tracks)
        for n, track in enumerate(tracks):
            features = rng.normal(size=450) + 2 * (track.genre == "Ska")
            catalog.tags.keep(
                [Autotags(track.track_id, str(n), features, {})], source="musicnn-msd"
            )
    first = tag_catalog(workspace, encoder, n_jobs=1)
    assert first.probe.accuracy > 0.9 and first.probe.reliable
    stored = load_probe(workspace.probe)
    assert stored.report == first.probe and stored.encoder == "musicnn-msd"
    with Catalog(workspace.catalog) as catalog:
        said = catalog.tags.of(["t000"])["t000"]
        assert next(tag.tag for tag in said if tag.source == "probe") == "Dub"
        unlabelled = catalog.find(str(music / "1.wav")).track_id
        assert "probe" in {tag.source for tag in catalog.tags.of([unlabelled])[unlabelled]}
    assert "probe" in {tag.source for tag in tag_file(workspace, music / "2.wav", encoder)}

    def unexpected(*arguments, **options):
        raise AssertionError("learned again")

    monkeypatch.setattr("audiorec.tagging.stage.learn_probe", unexpected)
    assert tag_catalog(workspace, encoder, n_jobs=1).probe == first.probe
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(replace(tracks[0], genre="Ska"))
    with pytest.raises(AssertionError, match="learned again"):
        tag_catalog(workspace, encoder, n_jobs=1)
    assert load_probe(workspace.probe).report == first.probe  # what was kept is still there


def test_without_genres_there_is_no_probe(workspace, encoder):
    assert tag_catalog(workspace, encoder, n_jobs=1).probe is None
    assert load_probe(workspace.probe) is None
