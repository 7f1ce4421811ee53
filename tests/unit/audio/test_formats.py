"""Files of the formats that FFmpeg writes, through the decoder; TAK no free program writes."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import soundfile

from audiorec.audio import probe
from audiorec.scan.files import walk

from .tones import SR, heard_at, rising

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the program ffmpeg")

FORMATS = {
    "spx": ("-ar", "16000", "-c:a", "libspeex"),
    "dts": ("-ar", "44100", "-ac", "2", "-c:a", "dca", "-strict", "-2"),
    "3gp": ("-c:a", "aac"),
    "m4r": ("-f", "ipod", "-c:a", "aac"),
    "mkv": ("-c:a", "libvorbis"),
    "mka": ("-c:a", "ac3"),
    "ac3": ("-ar", "44100", "-c:a", "ac3"),
    "tta": ("-c:a", "tta"),
    "wv": ("-c:a", "wavpack"),
    "wma": ("-c:a", "wmav2"),
    "oga": ("-f", "ogg", "-c:a", "flac"),
    "webm": ("-ar", "48000", "-c:a", "libopus"),
    "caf": ("-c:a", "alac"),
}


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    file = tmp_path_factory.mktemp("tone") / "a.wav"
    soundfile.write(file, rising(24), SR)
    return file


@pytest.mark.parametrize("suffix", FORMATS)
def test_is_found_and_heard_where_and_as_long_as_it_is(tmp_path, tone, suffix):
    file = tmp_path / f"a.{suffix}"
    command = ["ffmpeg", "-v", "error", "-i", tone, *FORMATS[suffix], file]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ncoder" in made.stderr:
        pytest.skip(f"this ffmpeg cannot make it: {made.stderr.strip()}")
    assert made.returncode == 0, made.stderr
    assert [found.path for found in walk([tmp_path])] == [str(file)]
    assert probe(file).duration == pytest.approx(24, rel=0.01)
    # A block of Vorbis in Matroska, where no time stamp says that the first one is silent.
    assert heard_at(file) == pytest.approx(12, abs=0.12 if suffix == "mkv" else 0.08)
