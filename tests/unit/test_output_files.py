"""Where a person wants an answer: devices, pipes and links are what they were afterwards."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from audiorec.exceptions import ArtifactError
from audiorec.output_files import check_output, output_file, write_output


def test_a_file_keeps_its_mode_and_is_replaced_whole(tmp_path):
    file = tmp_path / "list.m3u8"
    file.write_text("old")
    file.chmod(0o600)
    reading = file.open()
    write_output(file, b"new")
    assert file.read_text() == "new" and reading.read() == "old"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_of_a_link_the_target_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "a.m3u8"
    target.write_text("old")
    link, loose = tmp_path / "link", tmp_path / "loose"
    link.symlink_to("there/a.m3u8")
    loose.symlink_to("there/b.m3u8")
    for name in (link, loose):
        write_output(name, b"new")
        assert name.is_symlink() and name.read_text() == "new"
    assert target.read_text() == "new"


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_output(pipe, b"new" * 100_000)
    reader.join(10)
    assert got == [b"new" * 100_000] and stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_stays_a_device():
    check_output(Path(os.devnull))
    write_output(Path(os.devnull), b"new")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("into", ["file", "pipe"])
def test_stdout_by_its_name_is_the_open_stream(tmp_path, into):
    code = (
        "import pathlib; from audiorec.output_files import write_output;"
        "write_output(pathlib.Path('/dev/stdout'), b'new\\n'); print('after')"
    )
    command = [sys.executable, "-c", code]
    if into == "pipe":
        out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        assert out == "new\nafter\n"
        return
    with (tmp_path / "out").open("wb") as stream:
        subprocess.run(command, stdout=stream, check=True)
    assert (tmp_path / "out").read_text() == "new\nafter\n"


def test_what_fails_leaves_what_stood_there(tmp_path):
    file = tmp_path / "a"
    file.write_text("old")
    with pytest.raises(ArtifactError, match="cannot be written"), output_file(file) as aside:
        aside.write_text("half")
        raise OSError(28, "No space left on device")
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]
    with pytest.raises(ArtifactError, match="Is a directory"):
        write_output(tmp_path, b"")
