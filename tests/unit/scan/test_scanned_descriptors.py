"""Descriptors that a scan measures beside what it reads."""

from __future__ import annotations

from functools import partial

import numpy as np
import soundfile

from audiorec.audio import IDENTITY_CLIP, decode_clips, describe_file
from audiorec.scan import ScannedDescriptors
from audiorec.scan.read_file import do_all, read_file

from ..audio.songs import SR, song


def test_a_scan_measures_what_the_file_itself_gives(tmp_path):
    """The clip that a scan decodes and the one that is decoded anew are one."""
    file = tmp_path / "a.wav"
    soundfile.write(file, song(120, seconds=40), SR)
    scanned, seen = ScannedDescriptors(tmp_path / "measured"), []
    work = partial(do_all, (scanned.store, lambda decoded, identity: seen.append(identity)))
    read = read_file(str(file), also=work)
    assert seen == [read["clip_hash"]]
    found = scanned.load(read["clip_hash"])
    np.testing.assert_allclose(found, describe_file(file), rtol=1e-3, atol=1e-3)
    assert scanned.load("another") is None
    scanned.store(decode_clips(file, config=IDENTITY_CLIP), "again")
    np.testing.assert_array_equal(scanned.load("again"), found)
    scanned.clear()
    assert not (tmp_path / "measured").exists()
