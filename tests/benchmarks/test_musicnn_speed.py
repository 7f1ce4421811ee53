"""Clips of 30 s to musicnn's vectors and tags, features included: `pytest -m benchmark -s`.

With ``MUSICNN_PYTHON`` naming the interpreter of an environment where the original program is
installed (tests/data/make_musicnn_reference.py says how), the original does the same clips in the
same run, with one session for all of them. Both keep to one core; what counts is the least
processor time of the clips, which others' work on the machine disturbs least.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from benching import Result, Side

N_CLIPS = 6
FLOOR = 4.0  # times as fast
COMMAND = (
    "MUSICNN_PYTHON=/of/the/original/bin/python "
    "python -m pytest tests/benchmarks/test_musicnn_speed.py -m benchmark -s"
)
SR = 16000
ORIGINAL = """
import json, os, sys, time
import tensorflow as tf
from musicnn import extractor, models
tf.compat.v1.reset_default_graph()
with tf.name_scope("model"):
    x = tf.compat.v1.placeholder(tf.float32, [None, 187, 96])
    training = tf.compat.v1.placeholder(tf.bool)
    outputs = models.define_model(x, training, "MSD_musicnn", 50)
    tags = tf.nn.sigmoid(outputs[0])
one = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
session = tf.compat.v1.Session(config=one)
folder = os.path.dirname(extractor.__file__)
tf.compat.v1.train.Saver().restore(session, folder + "/MSD_musicnn/")
def hear(file):
    batch, _ = extractor.batch_data(file, 187, 187)
    for n in range(len(batch)):
        session.run([tags, outputs[-1]], feed_dict={x: batch[n : n + 1], training: False})
seconds = []
for file in [sys.argv[1], *sys.argv[1:]]:
    began = time.process_time()
    hear(file)
    seconds.append(time.process_time() - began)
print(json.dumps(seconds[1:]))
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    t = np.arange(30 * SR) / SR
    paths = [tmp_path / f"{n}.wav" for n in range(N_CLIPS)]
    for n, path in enumerate(paths):
        y = 0.2 * np.sin(2 * np.pi * 110 * (n + 1) * t) * (np.sin(4 * np.pi * t) > 0)
        soundfile.write(path, y + 0.1 * rng.standard_normal(len(t)), SR)
    return paths


def seconds_of_the_original(files):
    python = os.environ.get("MUSICNN_PYTHON")
    if not python:
        return None
    done = subprocess.run(
        [python, "-c", ORIGINAL, *map(str, files)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD},
    )
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


@pytest.mark.benchmark
def test_clips_per_second(files):
    from audiorec.audio import load_clips
    from audiorec.mel import log_mel
    from audiorec.pretrained import fetch, load

    fetch()
    encoder = load("musicnn-msd", device="cpu")
    seconds = []
    for file in [files[0], *files]:
        began = time.process_time()
        for y in load_clips(Path(file), config=encoder.mel):
            encoder.hear(log_mel(y, config=encoder.mel))
        seconds.append(time.process_time() - began)
    ours = seconds[1:]
    began = time.perf_counter()
    mels = [log_mel(load_clips(f, config=encoder.mel)[0], config=encoder.mel) for f in files]
    list(encoder.hear_all(mels))
    print(f"\nmusicnn: {min(ours):.3f} s of one core per clip; ", end="", file=sys.stderr)
    rate = len(files) / (time.perf_counter() - began)
    print(f"{rate:.1f} clips per second on {os.cpu_count()} cores", file=sys.stderr)
    theirs = seconds_of_the_original(files)
    sides = {"audiorec.pretrained": Side(ours)}
    if theirs is not None:
        sides["the original program"] = Side(theirs)
    title = "A clip of 30 s to musicnn's vectors and tags, processor time of one core"
    Result("musicnn", title, 1, "clips", sides, command=COMMAND).keep()
    if theirs is None:
        pytest.skip("MUSICNN_PYTHON names no interpreter with the original program")
    ratio = min(theirs) / min(ours)
    print(f"the original: {min(theirs):.3f} s; {ratio:.1f} times as long", file=sys.stderr)
    assert ratio > FLOOR
