from __future__ import annotations

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.audio import MelConfig, fingerprint, probe
from audiorec.data.catalog import Catalog, Track
from audiorec.exceptions import ArtifactError, NotFoundError
from audiorec.mel import MelStore, audio_to_mels, compute, compute_mels, scanned_mels
from audiorec.mel import store as store_module
from audiorec.scan import scan

from ...loaded_modules import modules_loaded_by
from ..in_this_process import run_here

CONFIG = MelConfig(sr=8000, n_fft=256, hop_length=256, n_mels=16, clip_seconds=2)
N = 11


@pytest.fixture(scope="module")
def files(tmp_path_factory, tune, write_audio):
    folder = tmp_path_factory.mktemp("files")
    return [
        write_audio(folder / f"{i}.wav", tune(1.2 if i == 4 else 3, 8000, 1, seed=i), sr=8000)
        for i in range(N)
    ]


@pytest.fixture
def catalog(tmp_path, files):
    """Eleven tracks, ``t00`` to ``t10``; ``t06`` cannot be read, ``t04`` is short."""
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.upsert(
            [
                Track(f"t{i:02d}", str(f if i != 6 else f.with_name("none.wav")), clip_hash=f"h{i}")
                for i, f in enumerate(files)
            ]
        )
        yield catalog


@pytest.fixture(autouse=True)
def small_shards_in_this_process(monkeypatch, request):
    monkeypatch.setattr(compute, "SHARD_TRACKS", 4)
    if "workers" not in request.node.name:
        monkeypatch.setattr(compute, "run_on", lambda _engine, *work, **_: run_here(*work))


def run(directory, catalog, **settings):
    return compute_mels(directory, catalog, config=settings.pop("config", CONFIG), **settings)


def content(directory):
    return {p.name: p.read_bytes() for p in directory.iterdir()}


def test_computes_all_and_then_nothing(tmp_path, catalog, files):
    mels = tmp_path / "mels"
    assert run(mels, catalog) == (N - 1, 0, 1)
    store = MelStore(mels)
    assert store.ids == tuple(f"t{i:02d}" for i in range(N) if i != 6)
    assert store.config == CONFIG and store.complete
    assert store.inputs == {"catalog": catalog.fingerprint()}
    for i, track_id in ((0, "t00"), (4, "t04"), (10, "t10")):
        (expected,) = audio_to_mels(files[i], config=CONFIG)
        assert (store.get(track_id) == expected).all()
        assert store.get(track_id).dtype == np.float16
    assert store.n_frames("t04") == 1 + 9600 // 256 < store.n_frames("t00") == CONFIG.n_frames
    assert [f.stage for f in catalog.failures()] == ["mel"]
    assert "none.wav cannot be opened" in catalog.failures()[0].reason
    before = content(mels)
    assert run(mels, catalog) == (0, N - 1, 1)
    assert content(mels) == before


def test_workers_give_the_same(tmp_path, catalog):
    run(tmp_path / "a", catalog)
    assert run(tmp_path / "b", catalog, n_jobs=2) == (N - 1, 0, 1)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_shards_hold_the_tracks_in_order(tmp_path, catalog):
    run(tmp_path / "mels", catalog)
    store = MelStore(tmp_path / "mels")
    assert [store.shard(i).shape[0] for i in range(3)] == [4, 3, 3]
    for at in store.locations():
        row = store.shard(at.shard)[at.row]
        assert (row[:, : at.n_frames] == store.get(at.track_id, at.clip)).all()
        assert (row[:, at.n_frames :] == -100).all()
    assert isinstance(store.shard(0), np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.get("t00")[0, 0] = 1


def test_later_shards_are_larger(monkeypatch):
    monkeypatch.undo()  # shards as they are
    numbers = (0, 1023, 1024, 2048, 4096, 5120, 10**6)
    assert [compute.shard_tracks(n) for n in numbers] == [64, 64, 128, 256, 512, 512, 512]


@pytest.mark.parametrize("grow_after", [1024, 1])
@pytest.mark.parametrize("after", range(N))
def test_a_run_killed_anywhere_ends_as_one_that_was_not(
    tmp_path, catalog, monkeypatch, after, grow_after
):
    monkeypatch.setattr(compute, "GROW_AFTER", grow_after)
    run(tmp_path / "whole", catalog)
    killed = tmp_path / "killed"

    def dying(engine, function, items, **settings):
        for number, outcome in enumerate(run_here(function, items)):
            if number == after:
                raise KeyboardInterrupt
            yield outcome

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(compute, "run_on", dying)
        run(killed, catalog)
    if artifacts.exists(killed):
        assert not MelStore(killed).complete
    report = run(killed, catalog)
    stored = after // 4 * 4 if grow_after > 1 else 4 if after >= 4 else 0
    assert report.failed == 1 and report.kept == sum(i != 6 for i in range(stored))
    assert MelStore(killed).fingerprint == MelStore(tmp_path / "whole").fingerprint
    assert content(killed) == content(tmp_path / "whole")


def test_new_tracks_are_added_and_only_they_are_computed(tmp_path, catalog, files):
    run(tmp_path / "mels", catalog)
    before = MelStore(tmp_path / "mels")
    catalog.upsert(
        Track(
            "a-new-one",
            str(files[0]).replace("0.wav", "../" + files[0].parent.name + "/0.wav"),
            clip_hash="h0",
        )
    )
    assert run(tmp_path / "mels", catalog) == (1, N - 1, 1)
    after = MelStore(tmp_path / "mels")
    assert set(after.ids) == {*before.ids, "a-new-one"}
    assert (after.get("a-new-one") == before.get("t00")).all()
    assert after.fingerprint != before.fingerprint


def test_a_track_that_sounds_otherwise_is_computed_anew(tmp_path, catalog, files):
    run(tmp_path / "mels", catalog)
    old = MelStore(tmp_path / "mels").get("t01").copy()
    catalog.upsert(replace(catalog.get("t01"), path=str(files[6]), clip_hash="h6"))
    assert run(tmp_path / "mels", catalog) == (1, N - 2, 1)
    assert not (MelStore(tmp_path / "mels").get("t01") == old).all()
    assert len(MelStore(tmp_path / "mels")) == N - 1


def test_removed_tracks_go_and_missing_ones_wait(tmp_path, catalog):
    mels = tmp_path / "mels"
    run(mels, catalog)
    whole = MelStore(mels)
    catalog.replace([f"t{i:02d}" for i in range(8, 11)], [])
    catalog.mark_missing(["t00"])
    assert run(mels, catalog) == (0, 6, 1)
    store = MelStore(mels)
    assert store.ids == ("t01", "t02", "t03", "t04", "t05", "t07")
    assert len(list(mels.glob("shard-*"))) == 2
    assert store.fingerprints().ids == store.ids
    assert (store.get("t01") == whole.get("t01")).all()
    catalog.upsert(replace(catalog.get("t00"), missing=False))
    assert run(mels, catalog) == (0, 7, 1)
    assert "t00" in MelStore(mels)


def test_what_failed_is_tried_again(tmp_path, catalog, files):
    mels = tmp_path / "mels"
    run(mels, catalog)
    catalog.upsert(replace(catalog.get("t06"), path=str(files[6])))
    assert run(mels, catalog) == (1, N - 1, 0)
    assert len(MelStore(mels)) == N


def test_another_config_starts_anew(tmp_path, catalog):
    mels = tmp_path / "mels"
    run(mels, catalog)
    other = CONFIG.model_copy(update={"n_mels": 8})
    assert run(mels, catalog, config=other) == (N - 1, 0, 1)
    assert MelStore(mels).get("t00").shape[0] == 8
    run(tmp_path / "fresh", catalog, config=other)
    assert content(mels) == content(tmp_path / "fresh")


def test_several_clips(tmp_path, catalog, files):
    config = CONFIG.model_copy(update={"n_clips": 3, "clip_seconds": 1.0})
    run(tmp_path / "mels", catalog, config=config)
    store = MelStore(tmp_path / "mels")
    assert store.n_clips("t00") == 3 and len(store.locations()) == (N - 1) * 3
    expected = audio_to_mels(files[0], config=config)
    assert all((a == b).all() for a, b in zip(store.mels("t00"), expected, strict=True))
    with pytest.raises(NotFoundError, match="no clip 3, only 3"):
        store.get("t00", 3)


def test_every_track_has_a_fingerprint(tmp_path, catalog):
    run(tmp_path / "mels", catalog)
    store = MelStore(tmp_path / "mels")
    fingerprints = store.fingerprints()
    assert fingerprints.ids == store.ids
    for track_id, words in zip(store.ids, fingerprints.words, strict=True):
        made = fingerprint.make_fingerprint(store.get(track_id), config=store.config)
        assert np.array_equal(words, made)


def test_fingerprints_of_an_older_kind_are_made_again(tmp_path, catalog, monkeypatch):
    mels = tmp_path / "mels"
    config = CONFIG.model_copy(update={"n_clips": 3, "clip_seconds": 1.0})
    run(tmp_path / "fresh", catalog, config=config)
    with monkeypatch.context() as before:
        before.setattr(scanned_mels, "make_fingerprint", lambda *_, **__: np.ones(7, np.uint32))
        before.setattr(compute, "FINGERPRINT_VERSION", 1)
        run(mels, catalog, config=config)
    fresh = MelStore(tmp_path / "fresh").fingerprints()
    for store in (MelStore(mels), run(mels, catalog, config=config) and MelStore(mels)):
        assert store.fingerprints().ids == fresh.ids
        assert np.array_equal(store.fingerprints().words, fresh.words)
    assert content(mels) == content(tmp_path / "fresh")
    with monkeypatch.context() as after:
        after.setattr(
            fingerprint, "make_fingerprint", lambda *_, **__: pytest.fail("they are stored")
        )
        assert len(MelStore(mels).fingerprints().ids) == N - 1
        assert run(mels, catalog, config=config) == (0, N - 1, 1)


def test_fingerprints_stored_by_their_old_name_are_not_made_again(tmp_path, catalog, monkeypatch):
    mels = tmp_path / "mels"
    run(mels, catalog)
    fresh, whole = MelStore(mels).fingerprints(), artifacts.load_manifest(mels, kind="mels")
    files = {name.replace("fingerprints-", "prints-"): f for name, f in whole.files.items()}
    extra = whole.extra | {"prints": whole.extra["fingerprints"]}
    del extra["fingerprints"]
    old = replace(whole, files=files, extra=extra)
    artifacts.commit(
        mels, kind="mels", files=files, config=old.config, inputs=old.inputs, extra=extra
    )
    for module in (compute, store_module):
        monkeypatch.setattr(module, "fingerprint_shard", lambda *_, **__: pytest.fail("stored"))
    monkeypatch.setattr(scanned_mels, "make_fingerprint", lambda *_, **__: pytest.fail("stored"))
    kept = MelStore(mels)
    assert kept.fingerprint == old.fingerprint  # nothing that was made from them is stale
    assert np.array_equal(kept.fingerprints().words, fresh.words)
    assert run(mels, catalog) == (0, N - 1, 1)
    assert np.array_equal(MelStore(mels).fingerprints().words, fresh.words)
    assert artifacts.load_manifest(mels, kind="mels").files.keys() == whole.files.keys()


def test_a_store_without_starts_is_read_and_goes_on(tmp_path, catalog, files, monkeypatch):
    config = CONFIG.model_copy(update={"n_clips": 3, "clip_seconds": 1.0})
    run(tmp_path / "fresh", catalog, config=config)
    fresh = MelStore(tmp_path / "fresh")
    mels = tmp_path / "mels"
    with monkeypatch.context() as before:
        put = compute.Shards._put_array

        def put_five(self, name, array):
            is_meta = name.startswith("meta")
            put(self, name, array[list(array.dtype.names[:5])] if is_meta else array)

        before.setattr(compute.Shards, "_put_array", put_five)
        run(mels, catalog, config=config)
    old = MelStore(mels)
    duration = probe(files[0]).duration
    assert np.isnan(old.locations()[0].start) and not np.isnan(fresh.locations()[0].start)
    stored = fresh.starts("t00", duration=duration)
    assert old.starts("t00", duration=duration) == pytest.approx(stored, abs=1e-3)
    assert len(stored) == 3 and stored == sorted(stored)
    assert run(mels, catalog, config=config) == (0, N - 1, 1)
    assert MelStore(mels).ids == fresh.ids


def test_an_empty_catalogue(tmp_path):
    with Catalog(tmp_path / "c.sqlite") as catalog:
        assert run(tmp_path / "mels", catalog) == (0, 0, 0)
    store = MelStore(tmp_path / "mels")
    assert store.ids == () and len(store.fingerprints().ids) == 0 and store.locations() == []


def test_nothing_but_failures(tmp_path):
    with Catalog(tmp_path / "c.sqlite") as catalog:
        catalog.upsert(Track("x", "/nowhere"))
        assert run(tmp_path / "mels", catalog) == (0, 0, 1)
    assert len(MelStore(tmp_path / "mels")) == 0


def test_progress_ends_at_the_total(tmp_path, catalog):
    calls = []
    run(tmp_path / "mels", catalog, progress=lambda *call: calls.append(call))
    assert calls[0] == ("mel", 0, N) and calls[-1] == ("mel", N, N)
    assert all(done <= total for _, done, total in calls)


def test_a_damaged_artifact_is_made_again_but_others_are_left(tmp_path, catalog):
    mels = tmp_path / "mels"
    run(mels, catalog)
    shard = next(mels.glob("shard-00000*"))
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(ArtifactError, match="run 'audiorec mel'"):
        MelStore(mels)
    assert run(mels, catalog) == (4, N - 5, 1)  # a shard's tracks, and no others
    shutil.rmtree(mels)
    artifacts.save(mels, kind="factors", arrays={}, config={}, inputs={})
    with pytest.raises(ArtifactError, match="holds factors"):
        run(mels, catalog)


def test_unknown_track(tmp_path, catalog):
    run(tmp_path / "mels", catalog)
    with pytest.raises(NotFoundError, match="track 't06' has no spectrogram; run 'audiorec mel'"):
        MelStore(tmp_path / "mels").get("t06")
    with pytest.raises(ArtifactError, match="run 'audiorec run', or 'audiorec mel' alone, first"):
        MelStore(tmp_path / "none")


def test_the_store_is_read_without_torch():
    assert not modules_loaded_by("import audiorec.mel") & {"torch", "librosa"}


def test_a_file_that_was_exchanged_since_the_scan_is_named(tmp_path, tune, write_audio):
    file = write_audio(tmp_path / "a.wav", tune(3, 8000, 1, seed=1), sr=8000)
    same = write_audio(tmp_path / "b.wav", tune(3, 8000, 1, seed=2), sr=8000)
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        scan(catalog, [file, same], n_jobs=1)
        write_audio(file, tune(4, 8000, 1, seed=3), sr=8000)
        os.utime(same, ns=(1, 1))  # touched, and the same recording
        report = compute_mels(tmp_path / "mels", catalog, config=CONFIG, n_jobs=1)
        assert report == (1, 0, 1)
        (failure,) = catalog.failures()
        assert "a.wav is another recording than at the last scan; run 'audiorec scan'" in (
            failure.reason
        )
        scan(catalog, [file], n_jobs=1)
        assert compute_mels(tmp_path / "mels", catalog, config=CONFIG, n_jobs=1) == (1, 1, 0)
