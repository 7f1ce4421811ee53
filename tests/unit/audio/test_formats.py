"""Files of the formats that FFmpeg writes, through the decoder; TAK no free program writes."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import soundfile

from audiorec.audio import decode_clips, probe
from audiorec.exceptions import AudioError
from audiorec.scan import find_audio_files

from .tones import SHORT, SR, heard_at, rising

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg is not installed: apt-get install ffmpeg"
)

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
    "mlp": ("-ar", "44100", "-c:a", "mlp", "-strict", "-2"),
    "wav": ("-ar", "16000", "-c:a", "g722"),
}


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    file = tmp_path_factory.mktemp("tone") / "a.wav"
    soundfile.write(file, rising(24), SR)
    return file


def encoded(file, tone, *options):
    command = ["ffmpeg", "-v", "error", "-y", "-i", tone, *options, file]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ncoder" in made.stderr:
        pytest.skip(f"this ffmpeg cannot make it: {made.stderr.strip()}")
    assert made.returncode == 0, made.stderr
    return file


@pytest.mark.parametrize("suffix", FORMATS)
def test_is_found_and_heard_where_and_as_long_as_it_is(tmp_path, tone, suffix):
    file = encoded(tmp_path / f"a.{suffix}", tone, *FORMATS[suffix])
    assert [found.path for found in find_audio_files([tmp_path])] == [str(file)]
    assert probe(file).duration == pytest.approx(24, rel=0.01)
    # A block of Vorbis in Matroska, where no time stamp says that the first one is silent.
    assert heard_at(file) == pytest.approx(12, abs=0.12 if suffix == "mkv" else 0.08)


@pytest.mark.parametrize("codec", ["flac", "libspeex"])
def test_a_chained_ogg_of_any_codec_is_one_recording(tmp_path, tone, codec):
    file, parts = tmp_path / "a.ogg", []
    for stretch in (("-to", "8"), ("-ss", "8")):
        encoded(file, tone, *stretch, "-ar", "16000", "-c:a", codec)
        parts.append(file.read_bytes())
    file.write_bytes(b"".join(parts))
    assert probe(file).duration == pytest.approx(24, rel=0.01)
    assert heard_at(file) == pytest.approx(12, abs=0.1)


def test_short_packets_of_matroska_do_not_add_up_to_less(tmp_path, tone):
    file = encoded(tmp_path / "a.mka", tone, "-c:a", "libopus", "-frame_duration", "2.5")
    assert probe(file).duration == pytest.approx(24, abs=0.1)
    assert heard_at(file) == pytest.approx(12, abs=0.1)


def test_the_length_of_streamed_files_is_that_of_their_packets(tmp_path, tone):
    for suffix, form, codec in (("wma", "asf", "wmav2"), ("wv", "wv", "wavpack")):
        command = ["ffmpeg", "-v", "error", "-i", tone, "-c:a", codec, "-f", form, "-"]
        made = subprocess.run(command, capture_output=True, check=True)
        file = tmp_path / f"a.{suffix}"
        file.write_bytes(made.stdout)
        assert probe(file).duration == pytest.approx(24, rel=0.01), suffix
        assert heard_at(file) == pytest.approx(12, abs=0.1), suffix


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("wv", "wavpack"), ("tta", "tta"), ("oga", "flac"), ("caf", "pcm_s16be"), ("wav", "ac3")],
)
def test_what_is_cut_is_refused_in_every_container_that_tells(tmp_path, tone, suffix, codec):
    file = encoded(tmp_path / f"a.{suffix}", tone, "-ar", "44100", "-c:a", codec)
    assert heard_at(file) == pytest.approx(12, abs=0.1)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 7 // 10])
    with pytest.raises(AudioError, match="is cut off"):
        decode_clips(file, config=SHORT)
