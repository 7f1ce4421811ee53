"""Recordings as they come: tags in front, damage, chains, channels, silence, formats."""

from __future__ import annotations

import struct

import av
import numpy as np
import pytest
import soundfile

from audiorec.audio import MelConfig, clip_hash, decode_clips, load_clips, open_source, probe
from audiorec.audio.ogg_pages import find_links, is_damaged
from audiorec.exceptions import AudioError

from .tones import SHORT, SR, damaged, heard_at, mp3, quiet_then_loud, rising, without_tag

# -- tags in front ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4_000, 300_000])
@pytest.mark.parametrize("suffix", [".flac", ".wav", ".aiff", ".ogg"])
def test_a_foreign_tag_in_front_is_passed_over(tmp_path, suffix, size):
    plain = tmp_path / f"plain{suffix}"
    soundfile.write(plain, rising(40), SR)
    length = bytes(size >> 7 * place & 0x7F for place in (3, 2, 1, 0))
    tagged = tmp_path / f"tagged{suffix}"
    tagged.write_bytes(b"ID3\x03\0\0" + length + bytes(size) + plain.read_bytes())
    assert probe(tagged) == probe(plain)
    same = [clip_hash(decode_clips(path, config=SHORT).clips[0]) for path in (plain, tagged)]
    assert same[0] == same[1]
    tagged.write_bytes(tagged.read_bytes()[: size + plain.stat().st_size // 2])
    with pytest.raises(AudioError, match="is cut off"):
        decode_clips(tagged, config=SHORT)


# -- channels --------------------------------------------------------------------------------------


def stereo(flipped, *, correlation, n=40 * SR):
    rng = np.random.default_rng(1)
    music = np.convolve(rng.normal(0, 0.1, n), np.ones(4) / 2, "same")
    own = rng.normal(0, 0.1, (n, 2))
    y = np.sqrt(correlation) * music[:, None] + np.sqrt(1 - correlation) * own
    return (y * [1, -1] if flipped else y).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_channels_that_cancel_are_heard(tmp_path, suffix):
    y = rising(40)
    soundfile.write(tmp_path / f"a{suffix}", np.stack([y, -y], axis=1), SR)
    soundfile.write(tmp_path / f"both{suffix}", np.stack([y, y], axis=1), SR)
    (mixed,) = load_clips(tmp_path / f"a{suffix}", config=SHORT)
    (alone,) = load_clips(tmp_path / f"both{suffix}", config=SHORT)
    assert np.std(mixed) == pytest.approx(np.std(alone), rel=0.1)


def test_a_flipped_channel_leaves_the_music_and_its_identity(tmp_path):
    hashes = []
    for flipped in (False, True):
        path = tmp_path / f"{flipped}.wav"
        soundfile.write(path, stereo(flipped, correlation=0.8), SR, subtype="FLOAT")
        hashes.append(clip_hash(decode_clips(path, config=SHORT).clips[0]))
    assert hashes[0] == hashes[1]


# -- silence in the middle -------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 1e-4])
@pytest.mark.parametrize("flipped", [False, True])
def test_a_silent_middle_gives_way_to_what_sounds(tmp_path, noise, flipped):
    y = rising(90, slope=5.0)
    gap = slice(20 * SR, 75 * SR)
    y[gap] = noise * np.random.default_rng(0).normal(size=gap.stop - gap.start)
    soundfile.write(tmp_path / "a.flac", np.stack([y, -y if flipped else y], axis=1), SR)
    at = heard_at(tmp_path / "a.flac", slope=5.0)
    assert 75 + 1.9 <= at <= 88.1 or 1.9 <= at <= 18.1
    assert probe(tmp_path / "a.flac").duration == 90


def test_a_recording_that_is_faint_throughout_stays_where_it_was(tmp_path):
    y = rising(60) * 1e-3
    soundfile.write(tmp_path / "a.wav", y, SR, subtype="FLOAT")
    assert heard_at(tmp_path / "a.wav") == pytest.approx(30, abs=0.1)
    y[::2] = np.nan
    soundfile.write(tmp_path / "nan.wav", y, SR, subtype="FLOAT")
    with pytest.raises(AudioError, match="NaN"):
        decode_clips(tmp_path / "nan.wav", config=SHORT)


def test_only_a_faint_middle_costs_a_look_elsewhere(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", rising(60), SR)
    with open_source(tmp_path / "a.wav") as source:
        kind = type(source)
    starts = []
    read = kind.read
    monkeypatch.setattr(
        kind, "read", lambda self, at, n: starts.append(list(at)) or read(self, at, n)
    )
    decode_clips(tmp_path / "a.wav", config=SHORT)
    assert starts == [[28 * SR]]


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0.45, 0.5, 0.52])
def test_a_damaged_flac_is_heard_and_noted(tmp_path, place):
    path = tmp_path / "a.flac"
    noise = np.random.default_rng(0).normal(0, 0.02, 60 * SR).astype(np.float32)
    soundfile.write(path, rising(60) + noise, SR)
    whole = decode_clips(path, config=MelConfig(clip_seconds=10))
    content = path.read_bytes()
    path.write_bytes(damaged(content, int(len(content) * place), 64))
    torn = decode_clips(path, config=MelConfig(clip_seconds=10))
    assert "has damaged frames" in torn.note and path.name in torn.note and not whole.note
    same = np.abs(torn.clips[0] - whole.clips[0]) < 1e-4
    assert torn.info == whole.info and same.mean() > 0.9


def test_a_damaged_vorbis_and_aac_are_heard(tmp_path, tune, write_audio):
    for suffix in (".ogg", ".opus", ".m4a"):
        sr = 48_000 if suffix == ".opus" else 44_100
        path = write_audio(tmp_path / f"a{suffix}", tune(20, sr), sr=sr)
        content = path.read_bytes()
        path.write_bytes(damaged(content, len(content) // 2, 500))
        torn = decode_clips(path, config=MelConfig(clip_seconds=10))
        assert torn.info.duration == pytest.approx(20, rel=0.01)
        assert len(torn.clips[0]) > 9 * sr


@pytest.mark.parametrize(("subtype", "sr"), [("VORBIS", SR), ("OPUS", 24_000)])
@pytest.mark.parametrize("chained", [False, True])
def test_what_follows_a_lost_ogg_page_stays_where_it_was(tmp_path, subtype, sr, chained):
    """Also by a decoder of another rate: FFmpeg's of Opus has 48 kHz only."""
    path = tmp_path / "a.ogg"
    noise = np.random.default_rng(0).normal(0, 0.02, 30 * sr).astype(np.float32)
    soundfile.write(path, rising(30, sr) + noise, sr, format="OGG", subtype=subtype)
    whole, config = path.read_bytes(), MelConfig(clip_seconds=14)
    (link,) = find_links(whole)
    torn = bytearray(whole)
    torn[link.pages[int(0.45 * len(link.pages))] + 200] ^= 0x10
    clips = []
    for content in (whole, bytes(torn)):
        path.write_bytes(whole * chained + content + whole * chained)
        clips.append(decode_clips(path, config=config))
    assert "damaged frames" in clips[1].note and not clips[0].note
    before, after = clips[0].clips[0], clips[1].clips[0]
    assert clips[0].info == clips[1].info and len(before) == len(after)
    near = np.abs(before - after) < 0.1  # the decoders fill in different noise
    assert 0.85 < near.mean() < 0.99  # but for the page, a second or so
    assert min(near[: len(near) // 8].mean(), near[-len(near) // 8 :].mean()) > 0.98


def test_an_ogg_is_decoded_once_where_its_pages_hold(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.ogg", rising(40), SR)
    monkeypatch.setattr("audiorec.audio.backends.open_by_ffmpeg", None)  # a call would be an error
    (y,) = decode_clips(tmp_path / "a.ogg", config=SHORT).clips
    assert len(y) == round(SHORT.clip_seconds * SHORT.sr) and np.abs(y).max() > 0.1


def test_every_flipped_bit_of_a_page_is_damage(tmp_path):
    soundfile.write(tmp_path / "a.ogg", rising(40), SR)
    content = bytearray((tmp_path / "a.ogg").read_bytes())
    (link,) = find_links(content)
    page, end = link.pages[5], link.pages[6]
    inside = {"start": link.positions[4], "stop": link.positions[5]}
    assert not is_damaged(content, link, start=0, stop=1 << 40)
    for at in (*range(page, page + 40), *range(page + 40, end, 97), end - 1):
        content[at] ^= 1
        (found,) = find_links(content)
        assert is_damaged(content, found, **inside), at - page
        assert not is_damaged(content, found, start=0, stop=link.positions[2])
        content[at] ^= 1


# -- several recordings in one file ----------------------------------------------------------------


@pytest.mark.parametrize(("subtype", "sr"), [("VORBIS", SR), ("OPUS", 24_000)])
def test_a_chained_ogg_is_one_recording(tmp_path, subtype, sr):
    """Of two parts, also where both bear the same serial number, or differ in channels."""
    path, parts = tmp_path / "a.ogg", []
    y = rising(30, sr)
    for first, last in ((0, 10), (10, 30)):
        soundfile.write(path, y[first * sr : last * sr], sr, format="OGG", subtype=subtype)
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    assert len(find_links(path.read_bytes())) == 2
    assert probe(path).duration == pytest.approx(30, abs=0.05)
    assert heard_at(path) == pytest.approx(15, abs=0.1)
    over_the_join = MelConfig(clip_seconds=25)
    decode_clips(path, config=over_the_join)
    path.write_bytes(parts[0] * 3)
    assert probe(path).duration == pytest.approx(30, abs=0.05)
    path.write_bytes(parts[0] + parts[1][: len(parts[1]) // 2])
    with pytest.raises(AudioError, match="is cut off"):
        probe(path)


def test_a_clip_over_a_join_has_both_sides(tmp_path):
    path, sr = tmp_path / "a.ogg", SR
    soundfile.write(path, rising(20, sr), sr, format="OGG", subtype="VORBIS")
    first = path.read_bytes()
    soundfile.write(path, np.zeros((20 * 2 * sr, 2), "f4") + 0.2, 2 * sr, format="OGG")
    path.write_bytes(first + path.read_bytes())
    info, (y,), *_ = decode_clips(path, config=MelConfig(clip_seconds=10))
    half = len(y) // 2
    assert info.duration == pytest.approx(40, abs=0.05)
    assert np.std(y[: half - sr // 10]) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    assert np.std(y[half + sr // 10 :]) < 0.05


@pytest.mark.parametrize("tagged", [True, False])
def test_joined_mp3s_are_one_recording(tmp_path, tagged):
    """Of two rates, numbers of channels and kinds; each with its tag, or none."""
    one = mp3(tmp_path / "a.mp3", np.stack([rising(20, 44_100)] * 2, axis=1), 44_100)
    other = mp3(tmp_path / "a.mp3", rising(60)[20 * SR :], mode="CONSTANT")
    parts = [part if tagged else without_tag(part) for part in (one, other)]
    (tmp_path / "a.mp3").write_bytes(b"".join(parts))
    info = probe(tmp_path / "a.mp3")
    assert (info.sr, info.channels) == (SR, 1)
    assert info.duration == pytest.approx(60, abs=0.3)
    assert heard_at(tmp_path / "a.mp3") == pytest.approx(30, abs=0.5)
    (tmp_path / "a.mp3").write_bytes(parts[1] * 3)
    assert probe(tmp_path / "a.mp3").duration == pytest.approx(120, abs=0.5)


# -- streams and formats ---------------------------------------------------------------------------


def matroska(path, tones, *, default, suffix="matroska"):
    """Streams of tones beside each other."""
    with av.open(str(path), "w", format=suffix) as out:
        streams = []
        for number, hz in enumerate(tones):
            stream = out.add_stream("pcm_s16le", rate=SR, layout="mono")
            stream.disposition = av.stream.Disposition.default if number == default else 0
            streams.append((stream, hz))
        for stream, hz in streams:
            y = 0.3 * np.sin(2 * np.pi * hz * np.arange(10 * SR) / SR)
            pcm = (y * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
            frame.sample_rate, frame.pts = SR, 0
            fifo = av.AudioFifo()
            fifo.write(frame)
            while (part := fifo.read(4096, partial=True)) is not None:
                out.mux(stream.encode(part))
            out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("default", [0, 1])
def test_the_default_stream_is_heard(tmp_path, default):
    path = matroska(tmp_path / "a.mka", [300, 900], default=default)
    hz = [300, 900][default]
    assert heard_at(path, first=0, slope=1.0) == pytest.approx(hz, abs=2)


def test_dsdiff_is_heard(tmp_path):
    """A DSD tone, one bit a sample, by a modulator of first order."""
    sr, hz, seconds = 2_822_400, 500, 2
    y = 0.5 * np.sin(2 * np.pi * hz * np.arange(sr * seconds) / sr)
    bits = np.diff(np.floor(np.cumsum((y + 1) / 2)), prepend=0).astype(np.uint8)
    sound = np.packbits(bits).tobytes()

    def chunk(name, body):
        return name + struct.pack(">Q", len(body)) + body + b"\0" * (len(body) % 2)

    prop = b"SND " + chunk(b"FS  ", struct.pack(">I", sr))
    prop += chunk(b"CHNL", struct.pack(">H", 1) + b"C000")
    prop += chunk(b"CMPR", b"DSD \x0enot compressed")
    body = b"DSD " + chunk(b"FVER", bytes([1, 5, 0, 0])) + chunk(b"PROP", prop)
    (tmp_path / "a.dff").write_bytes(chunk(b"FRM8", body + chunk(b"DSD ", sound)))
    assert probe(tmp_path / "a.dff").duration == pytest.approx(seconds, abs=0.01)
    config = MelConfig(clip_seconds=2)
    assert heard_at(tmp_path / "a.dff", config=config, first=0, slope=1.0) == pytest.approx(
        hz, abs=5
    )


def within_wav(content, *, tag, sr, block):
    """Coded sound in a WAV file, whose header says the bit rate of its first frame."""
    form = struct.pack("<HHIIHHH", tag, 1, sr, 4000, block, 0, 0)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_mp3_within_wav_is_as_long_as_its_packets_and_refused_where_it_is_cut(tmp_path):
    file = tmp_path / "a.wav"
    content = without_tag(mp3(tmp_path / "a.mp3", quiet_then_loud(60)))
    file.write_bytes(within_wav(content, tag=0x55, sr=SR, block=1))
    assert probe(file).duration == pytest.approx(60, rel=0.01)
    assert heard_at(file) == pytest.approx(30, abs=0.1)
    file.write_bytes(file.read_bytes()[: len(content) * 7 // 10])
    with pytest.raises(AudioError, match="is cut off"):
        decode_clips(file, config=SHORT)


def test_a_coded_wav_in_which_libsndfile_cannot_seek_is_heard_in_its_middle(tmp_path):
    file = tmp_path / "a.wav"
    soundfile.write(file, rising(60, 8_000), 8_000, subtype="GSM610")
    assert probe(file).duration == pytest.approx(60, rel=0.01)
    assert heard_at(file) == pytest.approx(30, abs=0.1)
    assert not decode_clips(file, config=SHORT).note
