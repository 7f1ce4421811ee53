"""MP3s as they come: lengths that are not said, said wrongly or by the bytes alone, and damage."""

from __future__ import annotations

import struct

import av
import numpy as np
import pytest

from audiorec.audio import MelConfig, decode_clips, probe
from audiorec.audio.mpeg_frames import constant_seconds, find_frames, length_tag, tags_end
from audiorec.exceptions import AudioError

from .tones import SR, damaged, heard_at, mp3, quiet_then_loud, rising, without_tag


@pytest.fixture(scope="module")
def variable(tmp_path_factory):
    """A minute of MP3 of variable bit rate."""
    return mp3(tmp_path_factory.mktemp("mp3") / "a.mp3", quiet_then_loud(60))


@pytest.mark.parametrize("before", [b"", b"ID3\x04\0\0\0\0\x4e\x10".ljust(10 + 10_000, b"\0")])
def test_the_length_of_an_mp3_without_a_tag_is_that_of_its_frames(tmp_path, variable, before):
    path = tmp_path / "a.mp3"
    path.write_bytes(before + without_tag(variable) + b"TAG".ljust(128, b"\0"))
    assert probe(path).duration == pytest.approx(60, abs=0.2)
    assert heard_at(path) == pytest.approx(30, abs=0.3)


@pytest.mark.parametrize("factor", [0.4, 1.55])
@pytest.mark.parametrize("fields", [(8,), (8, 12)])
def test_a_tag_that_is_wrong_is_not_believed(tmp_path, variable, factor, fields):
    content = bytearray(variable)
    at = content.index(b"Xing")
    for field in fields:  # frames, bytes
        (value,) = struct.unpack_from(">I", content, at + field)
        struct.pack_into(">I", content, at + field, int(value * factor))
    (tmp_path / "a.mp3").write_bytes(content)
    assert probe(tmp_path / "a.mp3").duration == pytest.approx(60, abs=0.2)
    assert heard_at(tmp_path / "a.mp3") == pytest.approx(30, abs=0.3)


def test_a_tag_that_holds_is_believed_and_frames_are_not_looked_for(
    tmp_path, variable, monkeypatch
):
    (tmp_path / "a.mp3").write_bytes(variable)
    monkeypatch.setattr("audiorec.audio.backends.find_frames", None)
    assert length_tag(variable).fits(len(variable))
    assert probe(tmp_path / "a.mp3").duration == pytest.approx(60, abs=0.05)


def test_frames_are_found_behind_junk_and_over_damage(variable):
    frames = find_frames(variable)
    (run,) = frames.runs
    assert frames.ends_whole and frames.seconds == pytest.approx(60, abs=0.2)
    rng = np.random.default_rng(0)
    assert len(find_frames(rng.bytes(3000) + variable).runs[0].starts) == len(run.starts)
    torn = bytearray(variable)
    torn[50_000:53_000] = rng.bytes(3000)
    found = find_frames(torn)
    assert found.seconds == pytest.approx(60, abs=0.6) and len(found.runs) == 1
    assert not find_frames(variable[:-10]).ends_whole
    assert find_frames(rng.bytes(20_000)).runs == []


def test_a_cut_mp3_stays_refused_whatever_its_tag_says(tmp_path, variable):
    for share in np.linspace(0.3, 0.98, 12):
        (tmp_path / "a.mp3").write_bytes(variable[: int(share * len(variable))])
        with pytest.raises(AudioError, match="is cut off"):
            probe(tmp_path / "a.mp3")


@pytest.mark.parametrize("kbps", [64, 128])
@pytest.mark.parametrize("sr", [22_050, 44_100])
def test_the_length_of_one_bit_rate_is_that_of_the_bytes(tmp_path, monkeypatch, kbps, sr):
    """Without a look at every frame, and with tags around them."""
    if kbps == 128 and sr == 22_050:
        kbps = 160  # the highest of MPEG-2
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w", format="mp3", options={"write_xing": "0"}) as out:
        stream = out.add_stream("libmp3lame", rate=sr, layout="mono")
        stream.bit_rate = 1000 * kbps
        pcm = (rising(20, sr) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16p", layout="mono")
        frame.sample_rate, frame.pts = sr, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    content = path.read_bytes()
    content = content[tags_end(content) :]
    frames = find_frames(content)
    head = b"ID3\x04\0\0\0\0\x4e\x10".ljust(10 + 10_000, b"\0")
    for tagged in (content, head + content, head + content + b"TAG".ljust(128, b"\0")):
        assert constant_seconds(tagged) == pytest.approx(frames.seconds, abs=0.06)
    monkeypatch.setattr("audiorec.audio.backends.find_frames", None)
    path.write_bytes(content)
    assert probe(path).duration == pytest.approx(20, abs=0.2)


def test_bit_rates_that_differ_are_not_one(variable):
    content = without_tag(variable)
    assert constant_seconds(content) == 0
    assert constant_seconds(np.random.default_rng(0).bytes(100_000)) == 0
    assert constant_seconds(content[:3000]) == 0
    assert constant_seconds(b"") == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_stretch_of_an_mp3_costs_itself_alone(tmp_path, variable, seed):
    path = tmp_path / "a.mp3"
    path.write_bytes(damaged(variable, int(len(variable) * 0.4), 4000, seed))
    assert probe(path).duration == pytest.approx(60, rel=0.01)
    # The damage lies within the first half of the clip.
    assert heard_at(path, config=MelConfig(clip_seconds=20)) == pytest.approx(30, abs=0.8)


@pytest.mark.parametrize("kind", ["without a tag", "with a tag that does not hold"])
def test_damage_costs_itself_alone_where_the_tag_tells_nothing(tmp_path, kind):
    path = tmp_path / "a.mp3"
    content = bytearray(mp3(path, rising(60), mode="CONSTANT"))
    if kind == "without a tag":
        content = without_tag(content)
    else:
        content[content.index(b"Info") + 30] ^= 1  # its checksum is another
        assert not length_tag(content).fits(len(content))
    path.write_bytes(damaged(content, int(len(content) * 0.47), 4000))
    assert probe(path).duration == pytest.approx(60, rel=0.01)
    assert heard_at(path) == pytest.approx(30, abs=0.8)
    _, (y,), _, note = decode_clips(path, config=MelConfig(clip_seconds=10))
    assert len(y) == 10 * SR and "has damaged frames" in note
