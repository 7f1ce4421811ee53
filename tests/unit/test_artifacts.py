import json
from pathlib import Path

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.exceptions import ArtifactError, NewerError
from audiorec.factors import FactorsConfig


def save(directory, value=1.0, **changes):
    return artifacts.save(
        directory,
        kind="factors",
        arrays={"a": np.full((3, 2), value, np.float32), "names": np.array(["x", "ÿ"])},
        config={"alpha": 2.0},
        inputs={"plays": "abc"},
        **changes,
    )


def test_round_trip_and_nothing_else_left(tmp_path):
    made = save(tmp_path / "f")
    manifest = artifacts.load_manifest(tmp_path / "f", kind="factors")
    assert manifest == made and manifest.fingerprint == made.fingerprint
    np.testing.assert_array_equal(artifacts.load_array(tmp_path / "f", manifest, "a"), 1.0)
    assert artifacts.load_array(tmp_path / "f", manifest, "names").tolist() == ["x", "ÿ"]
    assert len(list((tmp_path / "f").iterdir())) == 3


def test_same_content_same_fingerprint_other_content_another(tmp_path):
    one, two, three = save(tmp_path / "1"), save(tmp_path / "2"), save(tmp_path / "3", 2.0)
    assert one.fingerprint == two.fingerprint != three.fingerprint


def test_a_new_version_replaces_the_old_files(tmp_path):
    save(tmp_path, 1.0)
    manifest = save(tmp_path, 2.0)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["manifest.json", *(entry.file for entry in manifest.files.values())]
    )


def test_files_that_are_not_its_own_are_never_removed(tmp_path):
    own = ["notes.txt", "part-1.parquet", "a.npy", ".hidden", "a.0123456789ab.npy.d", "Ünder.npy"]
    save(tmp_path, 1.0)
    for name in own:
        (tmp_path / name).write_text("somebody's")
    save(tmp_path, 2.0)
    assert all((tmp_path / name).read_text() == "somebody's" for name in own)


def test_a_folder_reached_by_a_link_is_kept_whole(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    save(tmp_path / "link", 1.0)
    first = set((tmp_path / "theirs").iterdir())
    save(tmp_path / "link", 2.0)
    assert first <= set((tmp_path / "theirs").iterdir())
    assert artifacts.load_manifest(tmp_path / "link", kind="factors")


@pytest.mark.parametrize("file", ["../victim.txt", "/etc/passwd", "sub/a.npy", "", "..", 7])
def test_a_manifest_that_names_what_lies_elsewhere_is_refused(tmp_path, file):
    manifest = save(tmp_path / "f")
    body = manifest.as_json()
    body["files"]["a"]["file"] = file
    text = json.dumps({**body, "fingerprint": artifacts.fingerprint(body)})
    (tmp_path / "f" / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="must be a bare name"):
        artifacts.load_manifest(tmp_path / "f", kind="factors")


def test_killed_before_the_commit_the_old_artifact_stands(tmp_path):
    before = save(tmp_path, 1.0)
    artifacts.put_array(tmp_path, "a", np.zeros((3, 2), np.float32))  # killed here
    manifest = artifacts.load_manifest(tmp_path, kind="factors")
    assert manifest == before
    np.testing.assert_array_equal(artifacts.load_array(tmp_path, manifest, "a"), 1.0)


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_cut_manifest_is_named(tmp_path, cut):
    save(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ArtifactError, match="manifest.json is damaged.*audiorec factors"):
        artifacts.load_manifest(tmp_path, kind="factors")


def test_a_changed_manifest_is_named(tmp_path):
    save(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace("2.0", "3.0"))
    with pytest.raises(ArtifactError, match="its digest differs"):
        artifacts.load_manifest(tmp_path, kind="factors")


def test_cut_missing_and_flipped_files_are_named(tmp_path):
    manifest = save(tmp_path)
    path = tmp_path / manifest.files["a"].file
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    path.write_bytes(flipped)
    assert artifacts.damaged(tmp_path, manifest) == [path.name]
    path.write_bytes(whole[:-5])
    with pytest.raises(ArtifactError, match=r"a\..*npy has \d+ bytes and should have \d+"):
        artifacts.load_manifest(tmp_path, kind="factors")
    path.unlink()
    with pytest.raises(ArtifactError, match="is missing; run 'audiorec factors'"):
        artifacts.load_manifest(tmp_path, kind="factors")


def test_newer_other_and_absent(tmp_path):
    with pytest.raises(
        ArtifactError, match="no factors in .*run 'audiorec run', or 'audiorec factors' alone"
    ):
        artifacts.load_manifest(tmp_path, kind="factors")
    with pytest.raises(
        ArtifactError, match="no spectrograms in .*; run 'audiorec run', or 'audiorec mel'"
    ):
        artifacts.load_manifest(tmp_path, kind="mels")
    save(tmp_path)
    with pytest.raises(ArtifactError, match="holds factors, not index"):
        artifacts.load_manifest(tmp_path, kind="index")
    path = tmp_path / "manifest.json"
    newer = json.loads(path.read_text()) | {"format_version": 99}
    path.write_text(json.dumps(newer))
    with pytest.raises(ArtifactError, match="is damaged"):  # a version that was not written so
        artifacts.load_manifest(tmp_path, kind="factors")
    del newer["fingerprint"]
    path.write_text(json.dumps(newer | {"fingerprint": artifacts.fingerprint(newer)}))
    with pytest.raises(NewerError, match="version 99, newer than 2; upgrade audiorec"):
        artifacts.load_manifest(tmp_path, kind="factors")
    with pytest.raises(NewerError, match="upgrade audiorec"):  # it is not to be made again
        artifacts.load_valid(tmp_path, kind="factors")


def test_what_stands_whole(tmp_path):
    assert artifacts.load_valid(tmp_path, kind="factors") is None
    manifest = save(tmp_path)
    assert artifacts.load_valid(tmp_path, kind="factors") == manifest
    assert artifacts.load_valid(tmp_path, kind="index") is None
    (tmp_path / manifest.files["a"].file).write_bytes(b"")
    assert artifacts.load_valid(tmp_path, kind="factors") is None
    assert artifacts.load_valid(tmp_path, kind="factors", check="manifest") == manifest


def test_every_byte_is_read_where_that_is_asked_for(tmp_path):
    manifest = save(tmp_path)
    path = tmp_path / manifest.files["a"].file
    flipped = bytearray(path.read_bytes())
    flipped[-1] ^= 1
    path.write_bytes(flipped)
    artifacts.load_manifest(tmp_path, kind="factors")
    named = rf"{path.name} differs from its digest; run 'audiorec factors' to make it again"
    with pytest.raises(ArtifactError, match=named):
        artifacts.load_manifest(tmp_path, kind="factors", check="digests")
    path.unlink()
    assert artifacts.load_manifest(tmp_path, kind="factors", check="manifest") == manifest
    assert "is missing" in artifacts.describe_damage(tmp_path, manifest, path.name)


def test_a_flip_of_any_bit_of_a_manifest_is_named(tmp_path):
    save(tmp_path)
    path = tmp_path / "manifest.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        if json.loads(whole) == _read(path):
            continue  # white space for white space
        with pytest.raises(ArtifactError, match="manifest.json is damaged.*audiorec factors"):
            artifacts.load_manifest(tmp_path, kind="factors")


def _read(path):
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


def test_what_was_imported_is_imported_again():
    about = {"file": "/a b.csv", "source": "csv", "rows": 1, "users": 1, "tracks": 1}
    parts = {"part-1.parquet": about}
    plays = artifacts.Manifest("plays", extra={"parts": parts})
    assert (
        artifacts.rebuild_hint("plays", plays, "part-1.parquet")
        == "run 'audiorec plays '/a b.csv''"
    )
    assert artifacts.rebuild_hint("plays") == "run 'audiorec plays FILE'"
    vectors = artifacts.Manifest("embeddings", extra={"imported": "v.parquet"})
    assert "import embeddings --replace' with v.parquet" in artifacts.rebuild_hint(
        "embeddings", vectors
    )


def test_a_path_without_a_name_is_no_file(tmp_path):
    for path in (Path(), Path("/")):
        with pytest.raises(ArtifactError, match="is not a file name; name the file to write"):
            artifacts.write_atomic(path, b"x")


def test_digests_of_earlier_versions_hold(tmp_path):
    import hashlib

    file = tmp_path / "a.npy"
    file.write_bytes(b"music")
    before = hashlib.blake2b(b"music", digest_size=16).hexdigest()
    now = hashlib.sha256(b"music").hexdigest()
    assert artifacts.digest_file(file) == now
    for digest in (before, now, before[:12], now[:12]):
        assert artifacts.matches_digest(file, digest)
    file.write_bytes(b"noise")
    for digest in (before, now, before[:12], now[:12]):
        assert not artifacts.matches_digest(file, digest)


def test_equal_files_have_equal_content_whatever_they_were_made_from(tmp_path):
    made = [
        artifacts.save(
            tmp_path / str(n), kind="factors", arrays={"a": np.full(3, value)}, config={},
            inputs={"plays": str(n)},
        )
        for n, value in enumerate((1.0, 1.0, 2.0))
    ]  # fmt: skip
    assert made[0].content == made[1].content != made[2].content
    assert made[0].fingerprint != made[1].fingerprint


def test_a_file_that_only_looks_like_one_of_its_own_is_kept(tmp_path):
    save(tmp_path, 1.0)
    mine = tmp_path / "recording.202611281530.wav"  # as long as a digest in a name
    mine.write_text("somebody's")
    save(tmp_path, 2.0)
    assert mine.read_text() == "somebody's"


def test_what_a_killed_run_left_is_swept(tmp_path):
    save(tmp_path, 1.0)
    left = artifacts.put_array(tmp_path, "a", np.zeros((3, 2), np.float32))
    save(tmp_path, 2.0)
    assert not (tmp_path / left.file).exists()


def test_removing_keeps_what_is_somebody_elses(tmp_path):
    manifest = save(tmp_path, 1.0)
    (tmp_path / "notes.txt").write_text("somebody's")
    artifacts.remove(tmp_path, manifest)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


NESTED = '{"a":' * 20_000 + "1" + "}" * 20_000


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": "1"},
        {"kind": ["factors"]},
        {"config": [1]},
        {"inputs": {"plays": 7}},
        {"extra": "x"},
        {"kind": "plays", "extra": {"parts": ["part-1.parquet"]}},
        {"kind": "plays", "extra": {"parts": {"part-1.parquet": {"source": "csv"}}}},
        {"kind": "index", "extra": {"kind": "exact", "n": "many"}},
        {"kind": "sessions", "extra": {"default": None}},
        {"kind": "sessions", "extra": {}},
        {"kind": "mels", "extra": {"absent": [1]}},
        {"kind": "model", "extra": {"smoothing": 7, "format": 2}},
        {"files": ["a"]},
        {"files": {"a": {"file": "a.npy", "size": "9", "digest": "0" * 64}}},
        {"files": {"a": {"file": "a.npy", "size": 9, "digest": 12}}},
        {"files": {"a": {"file": "a.npy", "size": 9, "digest": "0" * 64, "more": 1}}},
    ],
)
def test_a_manifest_of_odd_types_is_refused_in_one_line(tmp_path, change):
    body = save(tmp_path).as_json() | change
    text = json.dumps({**body, "fingerprint": artifacts.fingerprint(body)})
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="manifest.json (is damaged|cannot be trusted)"):
        artifacts.load_manifest(tmp_path, kind="factors")


def test_a_nested_manifest_is_refused_in_one_line(tmp_path):
    save(tmp_path)
    (tmp_path / "manifest.json").write_text(NESTED)
    with pytest.raises(ArtifactError, match="is damaged"):
        artifacts.load_manifest(tmp_path, kind="factors")


def test_settings_that_became_constants_make_nothing_stale(tmp_path):
    """Manifests of 0.2.0 have them: with the constant's value they say the same without."""
    now = MelConfig().model_dump(mode="json")
    before = {**now, "fmin": 0.0, "fmax": None, "pad_mode": "constant", "seed": 0}
    before["clip_position"] = "middle"
    artifacts.commit(tmp_path / "a", kind="mels", files={}, config=before, inputs={})
    assert artifacts.is_fresh(tmp_path / "a", kind="mels", inputs={}, config=now)
    assert MelConfig(**before) == MelConfig()
    nested = {"mel": before, "train": {"seed": 0}}
    assert artifacts.current_settings(nested) == {"mel": now, "train": {"seed": 0}}
    factors = FactorsConfig().model_dump(mode="json")
    assert artifacts.current_settings({**factors, "iterations": 15, "seed": 0}) == factors
    sessions = {"session_gap_minutes": 30.0, "min_support": 2, "seed": 0}
    assert artifacts.current_settings(sessions) == {"session_gap_minutes": 30.0}


@pytest.mark.parametrize(
    "other",
    [
        {"clip_position": "start"},
        {"fmin": 20.0},
        {"pad_mode": "reflect"},
        {"fmax": 8000.0},
        {"seed": 1},
    ],
)
def test_what_other_values_made_is_stale(tmp_path, other):
    now = MelConfig().model_dump(mode="json")
    before = {**now, "fmin": 0.0, "fmax": None, "pad_mode": "constant", **other}
    artifacts.commit(tmp_path / "a", kind="mels", files={}, config=before, inputs={})
    assert not artifacts.is_fresh(tmp_path / "a", kind="mels", inputs={}, config=now)
