from __future__ import annotations

import os
import shutil
import subprocess
import sys

import av
import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from audiorec.audio import (
    MelConfig,
    clip_hash,
    clip_starts,
    decode_clips,
    load_clips,
    probe,
    resample,
)
from audiorec.exceptions import AudioError

FORMATS = [".mp3", ".flac", ".ogg", ".opus", ".wav", ".aiff", ".m4a", ".aac", ".wma"]
CONFIG = MelConfig()


def rate(suffix):
    return 48000 if suffix == ".opus" else 44100


def likeness(a, b):
    """Correlation of two signals over their common length."""
    n = min(len(a), len(b))
    return float(np.corrcoef(a[:n], b[:n])[0, 1])


@pytest.fixture(scope="module")
def encoded(tmp_path_factory, tune, write_audio):
    """A minute of one tune in every format, and the tune."""
    folder = tmp_path_factory.mktemp("encoded")
    files = {}
    for suffix in FORMATS:
        sr = rate(suffix)
        files[suffix] = write_audio(folder / f"a{suffix}", tune(60, sr), sr=sr)
    return files


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_middle_thirty_seconds(encoded, tune, suffix):
    sr = rate(suffix)
    info = probe(encoded[suffix])
    (y,) = load_clips(encoded[suffix], config=CONFIG)
    assert info.sr == sr and info.channels == 2 and info.format == suffix[1:]
    assert info.duration == pytest.approx(60, abs=0.1)
    assert y.dtype == np.float32 and y.shape == (CONFIG.n_samples,)
    whole = resample(tune(60, sr).mean(axis=1), sr=sr, target_sr=CONFIG.sr)
    # Encoders delay the sound by up to some 50 ms: find the shift, then compare.
    lead = CONFIG.sr // 10
    near = whole[15 * CONFIG.sr - lead :][: len(y) + 2 * lead]
    shift = int(np.argmax(correlate(near, y, "valid")))
    best = likeness(y, near[shift:])
    assert best > 0.9


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_clip_is_the_slice_of_a_full_decode(encoded, suffix):
    whole = decode_clips(encoded[suffix], config=MelConfig(clip_seconds=600)).clips[0]
    info, (clip,), *_ = decode_clips(encoded[suffix], config=CONFIG)
    total = round(info.duration * info.sr)
    start = round((total - len(clip)) / 2)
    # The time stamps of WMA are whole milliseconds, and so are its seeks.
    slack = info.sr // 1000 if suffix == ".wma" else 0
    assert (
        min(
            np.abs(whole[start + shift :][: len(clip) - 100] - clip[:-100]).max()
            for shift in range(-slack, slack + 1)
        )
        < 1e-4
    )


@pytest.mark.parametrize("suffix", FORMATS)
def test_hearing_twice_gives_the_same_bytes(encoded, suffix):
    first, second = (decode_clips(encoded[suffix], config=CONFIG).clips[0] for _ in range(2))
    assert clip_hash(first) == clip_hash(second)


def test_clips_are_resampled_as_librosa_does(encoded):
    import librosa

    (y,) = load_clips(encoded[".flac"], config=CONFIG)
    expected, _ = librosa.load(encoded[".flac"], sr=CONFIG.sr, offset=15, duration=30)
    assert np.abs(y - expected).max() < 1e-5


def test_content_decides_not_the_suffix(encoded, tmp_path):
    for suffix, other in ((".flac", ".mp3"), (".m4a", ".ogg"), (".mp3", ".raw"), (".wav", ".txt")):
        disguised = shutil.copy(encoded[suffix], tmp_path / f"disguised{other}")
        assert probe(disguised).format == suffix[1:]
        assert clip_hash(decode_clips(disguised, config=CONFIG).clips[0]) == clip_hash(
            decode_clips(encoded[suffix], config=CONFIG).clips[0]
        )


def test_starts_of_clips():
    def starts(**settings):
        return clip_starts(1000, n=100, config=MelConfig(**settings))

    assert starts() == [450]
    assert starts(n_clips=2) == [200, 700]
    assert clip_starts(100, n=100, config=MelConfig(n_clips=4)) == [0]
    assert all(0 <= s <= 900 for s in starts(n_clips=64))


def test_several_clips_come_in_order(encoded):
    clips = load_clips(encoded[".m4a"], config=MelConfig(n_clips=3, clip_seconds=10))
    whole = load_clips(encoded[".m4a"], config=MelConfig(clip_seconds=600))[0]
    assert len(clips) == 3
    for i, y in enumerate(clips):
        start = round(60 * (i + 0.5) / 3 - 5) * 22050
        window = whole[max(0, start - 22050) : start + 12 * 22050]
        peak = np.correlate(window[::8], y[::8], "valid").max()
        assert peak > 0.8 * np.dot(y[::8], y[::8])


def test_a_short_recording_gives_what_it_has(tmp_path, tune, write_audio):
    file = write_audio(tmp_path / "short.wav", tune(4))
    (y,) = load_clips(file, config=CONFIG)
    assert len(y) == 4 * 22050


@pytest.mark.parametrize(("sr", "channels"), [(8000, 1), (192_000, 6), (11025, 2), (44100, 3)])
def test_any_rate_and_any_number_of_channels(tmp_path, tune, write_audio, sr, channels):
    y = tune(3, sr, channels)
    file = write_audio(tmp_path / "odd.wav", y, sr=sr, subtype="FLOAT")
    (clip,) = load_clips(file, config=CONFIG)
    assert np.abs(clip - resample(y.mean(axis=1), sr=sr, target_sr=22050)).max() < 1e-5


# In a process of its own: the most memory that one has taken never grows less.
MEASURED = """
import resource, sys, time
from pathlib import Path
from audiorec.audio import load_clips
from audiorec.audio.config import MelConfig

def taken():  # bytes
    status = Path("/proc/self/status")
    if status.exists():  # what is below counts the parent's memory there
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before, begin = taken(), time.process_time()
(y,) = load_clips(sys.argv[1], config=MelConfig())
print(y.max(), taken() - before, time.process_time() - begin)
"""


def test_an_hour_takes_no_more_memory_or_time_than_its_clip(tmp_path):
    file = tmp_path / "hour.wav"
    sr = 48000
    with soundfile.SoundFile(file, "w", sr, 2, subtype="PCM_16") as out:
        out.seek(3600 * sr - 1)  # sparse: nearly all of it takes no disk
        out.write(np.zeros((1, 2), np.int16))
    with file.open("rb+") as stream:
        stream.seek(44 + 1800 * sr * 4)
        stream.write(np.full(sr * 2, 8000, "<i2").tobytes())
    assert probe(file).duration == 3600
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, file], capture_output=True, text=True, check=True
    )
    peak, grown, seconds = map(float, done.stdout.split())
    assert peak > 0.2
    assert grown < 100e6
    assert seconds < 5


# -- files that cannot be used: one line that names the file, what is wrong and what to do ---------


def refused(path, match):
    with pytest.raises(AudioError, match=match) as caught:
        load_clips(path, config=CONFIG)
    message = str(caught.value)
    assert "\n" not in message and ";" in message
    assert path.name.split("\n")[0] in message or not path.name.isprintable()
    return message


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.mp3").touch()
    refused(tmp_path / "empty.mp3", "is empty")


@pytest.mark.parametrize(
    "content",
    [
        b"hello, world\n" * 99,
        bytes(5000),
        b"ID3\x03",
        b"fLaC",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"#EXTM3U\n/etc/passwd\n",
    ],
)
def test_not_audio(tmp_path, content):
    (tmp_path / "text.mp3").write_bytes(content)
    refused(tmp_path / "text.mp3", "cannot be decoded|holds no sound|lasts")


def test_noise_bytes_are_refused_or_decoded_but_never_anything_else(tmp_path):
    for seed in range(8):
        (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(seed).bytes(40_000))
        try:
            load_clips(tmp_path / "noise.mp3", config=CONFIG)
        except AudioError as error:
            assert "noise.mp3" in str(error)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("suffix", FORMATS)
def test_cut_off(encoded, tmp_path, suffix, share):
    """Told when it is opened, wherever the cut lies: behind the clip as well."""
    cut = tmp_path / f"cut{suffix}"
    content = encoded[suffix].read_bytes()
    cut.write_bytes(content[: round(share * len(content))])
    refused(cut, f"cut{suffix} is cut off: .*; copy it again")


@pytest.fixture(scope="module")
def promising(tmp_path_factory, tune):
    """Ten seconds by other encoders and in other containers, each with a promise of its own."""
    folder, y = tmp_path_factory.mktemp("promising"), tune(10)
    files = {}
    for name, options in {
        "xing.mp3": {"bitrate_mode": "VARIABLE"},
        "info.mp3": {"bitrate_mode": "CONSTANT"},
        "a.au": {"format": "AU"},
        "a.w64": {"format": "W64"},
    }.items():
        files[name] = folder / name
        soundfile.write(files[name], y, 44100, **options)
    for name, form, codec, movflags in (
        ("fast.m4a", "ipod", "aac", "+faststart"),
        ("a.mka", "matroska", "aac", ""),
        ("lossless.m4a", "ipod", "alac", "+faststart"),
    ):
        files[name] = folder / name
        with av.open(str(files[name]), "w", format=form, options={"movflags": movflags}) as out:
            stream = out.add_stream(codec, rate=44100, layout="stereo")
            block = np.ascontiguousarray(y.T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = 44100, 0
            resampler = av.AudioResampler(
                format=stream.codec_context.format, layout="stereo", rate=44100, frame_size=1024
            )
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                out.mux(stream.encode(part))
            out.mux(stream.encode(None))
    return files


PROMISING = ["xing.mp3", "info.mp3", "a.au", "a.w64", "fast.m4a", "a.mka", "lossless.m4a"]


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("name", PROMISING)
def test_cut_off_by_other_encoders(promising, tmp_path, name, share):
    content = promising[name].read_bytes()
    cut = tmp_path / name
    cut.write_bytes(content[: round(share * len(content))])
    refused(cut, f"{name} is cut off: .*; copy it again")


@pytest.mark.parametrize("name", [*PROMISING, *FORMATS])
def test_tags_before_and_behind_are_no_cut(encoded, promising, tmp_path, name):
    whole = promising[name] if name in promising else encoded[name]
    content = whole.read_bytes()
    tagged = tmp_path / f"tagged{whole.suffix}"
    behind = b"TAG" + b"some title".ljust(125)
    if name not in (".ogg", ".opus"):  # theirs lie in the stream, and nothing follows it
        tagged.write_bytes(content + behind)
        assert probe(tagged).duration == pytest.approx(probe(whole).duration, abs=0.05)
    if whole.suffix == ".mp3":
        before = b"ID3\x04\x00\x00\x00\x00\x4e\x10".ljust(10 + 10_000, b"\0")
        tagged.write_bytes(before + before + content + behind)
        assert probe(tagged).duration == pytest.approx(probe(whole).duration, abs=0.05)
        tagged.write_bytes((before + content)[:-10_000])
        refused(tagged, "is cut off")


def test_a_promise_that_nobody_could_make_is_none(promising, tmp_path):
    """Streams are written before their length is known."""
    mka = bytearray(promising["a.mka"].read_bytes())
    segment = mka.index(bytes.fromhex("18538067")) + 4
    assert mka[segment] == 1  # eight bytes of length
    mka[segment : segment + 8] = b"\x01" + b"\xff" * 7
    mp3 = bytearray(promising["xing.mp3"].read_bytes())
    mp3[mp3.index(b"Xing") + 7] &= ~2  # no count of bytes
    for name, content in (("a.mka", mka), ("a.mp3", mp3)):
        (tmp_path / name).write_bytes(content[: round(0.97 * len(content))])
        assert probe(tmp_path / name).duration > 9


def test_raw_aac_that_ends_within_a_frame(tmp_path, encoded):
    """Cut between two frames it looks whole: no header promises more."""
    content = encoded[".aac"].read_bytes()
    ends = [0]
    while ends[-1] < len(content):
        head = content[ends[-1] :][:7]
        ends.append(ends[-1] + ((head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5))
    half = ends[len(ends) // 2]
    cut = tmp_path / "cut.aac"
    for missing in (1, 100):
        cut.write_bytes(content[: half - missing])
        refused(cut, r"cut\.aac is cut off: \d+ of \d+ bytes of the last frame")
    cut.write_bytes(content[:half])
    assert probe(cut).duration > 10
    cut.write_bytes(content + b"TAG" + bytes(125))  # an ID3v1 tag
    assert probe(cut).duration == pytest.approx(probe(encoded[".aac"]).duration, abs=0.05)


def test_the_decoders_own_grumbling_is_not_shown(tmp_path, encoded, capfd):
    cut = tmp_path / "cut.mp3"
    content = encoded[".mp3"].read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    refused(cut, "cut off")
    os.write(2, b"our own words")
    assert capfd.readouterr().err == "our own words"


def test_a_codec_that_nobody_knows(tmp_path, tune, write_audio):
    path = write_audio(tmp_path / "odd.wav", tune(2))
    odd = bytearray(path.read_bytes())
    odd[20:22] = b"\xcd\xab"  # the format tag of the fmt chunk
    path.write_bytes(odd)
    refused(path, "no sound that can be decoded; convert it")


def test_a_silent_file_is_refused(tmp_path, write_audio):
    refused(
        write_audio(tmp_path / "silent.flac", np.zeros((60000, 2), np.float32)),
        (r"is silent \(all samples are 0\); leave it out"),
    )


def test_a_file_shorter_than_a_second_is_refused(tmp_path, tune, write_audio):
    refused(
        write_audio(tmp_path / "blip.wav", tune(0.5)),
        r"lasts 0\.50 s, .* 1 s is needed; leave it out",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, tune, write_audio, value):
    y = tune(3)
    y[70000, 1] = value
    refused(write_audio(tmp_path / "nan.wav", y, subtype="FLOAT"), "NaN or infinite")


def test_samples_of_an_impossible_size(tmp_path, tune, write_audio):
    y = tune(3)
    refused(write_audio(tmp_path / "huge.wav", y * np.float32(1e37), subtype="FLOAT"), "as large")
    loud = write_audio(tmp_path / "loud.wav", y * np.float32(32768), subtype="FLOAT")
    assert np.isfinite(load_clips(loud, config=CONFIG)[0]).all()


def test_a_directory_a_pipe_and_nothing(tmp_path):
    (tmp_path / "x.mp3").mkdir()
    refused(tmp_path / "x.mp3", "is a directory")
    os.mkfifo(tmp_path / "pipe.mp3")
    refused(tmp_path / "pipe.mp3", "is a pipe")
    refused(tmp_path / "none.mp3", "cannot be opened: no such file.*check the path")


def test_a_link_to_itself(tmp_path):
    (tmp_path / "self.mp3").symlink_to(tmp_path / "self.mp3")
    refused(tmp_path / "self.mp3", "cannot be opened: .*link")


def test_no_permission(tmp_path, tune, write_audio, monkeypatch):
    """The system's refusal is played: as root, the modes of files stop nobody."""
    file = write_audio(tmp_path / "locked.wav", tune(2))

    def refuse(*_args, **_kw):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("audiorec.audio.backends.os.open", refuse)
    refused(file, "permission denied; give yourself permission")


@pytest.mark.parametrize(
    "name",
    [
        "песня ♪ 歌.mp3",
        "two\nlines.mp3",
        "-v.mp3",
        "http:x.mp3",
        "100%d.mp3",
        b"latin-\xe9.mp3".decode(errors="surrogateescape"),
    ],
)
def test_any_name(encoded, tmp_path, name):
    for suffix in (".mp3", ".m4a"):
        shutil.copy(encoded[suffix], tmp_path / name)
        assert probe(tmp_path / name).format == suffix[1:]
    (tmp_path / name).write_bytes(b"nothing of use")
    refused(tmp_path / name, "cannot be decoded").encode()


def test_decoding_says_nothing_on_standard_error(encoded, capfd):
    for suffix in FORMATS:
        load_clips(encoded[suffix], config=CONFIG)
    assert capfd.readouterr() == ("", "")


def test_clip_hash_is_of_sound_alone():
    y = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    assert clip_hash(y) == clip_hash(y.copy()) and len(clip_hash(y)) == 32
    other = y.copy()
    other[3] += 0.01
    assert clip_hash(other) != clip_hash(y)
    assert clip_hash(y[:-1]) != clip_hash(y)
