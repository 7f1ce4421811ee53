"""Clips of 30 s to musicnn's vectors and tags: `pytest -m benchmark -s`.

First from the spectrogram, beside ONNX Runtime on the same graph (extra ``bench``) and beside what
the graph's multiply-adds take at the rate of a large product of matrices; then from the file.

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
from benching import Result, Side, contest

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
def decode_clips(file):
    batch, _ = extractor.batch_data(file, 187, 187)
    for n in range(len(batch)):
        session.run([tags, outputs[-1]], feed_dict={x: batch[n : n + 1], training: False})
seconds = []
for file in [sys.argv[1], *sys.argv[1:]]:
    began = time.process_time()
    decode_clips(file)
    seconds.append(time.process_time() - began)
print(json.dumps(seconds[1:]))
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def multiply_adds(network, windows):
    """How many the network's layers take, done one by one as they are defined."""

    count = 0

    def add(layer, given, out):
        nonlocal count
        per_value = layer.weight[0].numel()
        count += per_value * out.numel()

    layers = [m for m in network.modules() if hasattr(m, "weight")]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    network(windows)
    for hook in hooks:
        hook.remove()
    return count


def onnx_session(network, windows, file):
    """ONNX Runtime with the network's graph, on one thread."""
    import onnxruntime
    import torch

    torch.onnx.export(network, (windows,), file, dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


@pytest.mark.benchmark
def test_the_network_beside_onnx_runtime(tmp_path, monkeypatch):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"no {package}: pip install 'audiorec-music[bench]'")
    import torch

    from audiorec.models.encoders import ready_pretrained
    from audiorec.models.encoders.pretrained import load_pretrained
    from audiorec.models.pretrained import fetch

    fetch()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    encoder = ready_pretrained("musicnn-msd", device="cpu")
    network = load_pretrained("musicnn-msd").network  # with gradients it computes every filter
    mel = 4 * np.random.default_rng(0).random((96, 10 * 187), dtype=np.float32)
    windows = torch.from_numpy(mel.reshape(96, 10, 187).transpose(1, 0, 2).copy())
    session = onnx_session(network, windows, tmp_path / "musicnn.onnx")
    name = session.get_inputs()[0].name
    count = multiply_adds(network, windows)
    size = 1024
    a, out = torch.rand(size, size), torch.empty(size, size)

    def timed(function, times=1):
        def run():
            began = time.process_time()
            for _ in range(times):
                function()
            return {"seconds": (time.process_time() - began) / times}

        return run

    def product():
        took = timed(lambda: torch.mm(a, a, out=out), 10)()["seconds"]
        return {"seconds": took * count / size**3, "multiply-adds": f"{count / 1e9:.1f} billion"}

    @torch.inference_mode()
    def ours():
        return encoder(torch.from_numpy(mel[None]))[0]

    def onnx():
        return session.run(None, {name: windows.numpy()})[0]

    start = 2 * network.d + len(encoder.tags)
    found = ours()[start : start + len(encoder.tags)]
    assert (torch.sigmoid(torch.from_numpy(onnx())).mean(dim=0) - found).abs().max() < 1e-3
    contest(
        "musicnn-network",
        "musicnn on a clip's spectrogram, 10 windows of 3 s, processor time of one core",
        {
            "audiorec.models.encoders.pretrained": timed(ours, 5),
            "ONNX Runtime, the same graph": timed(onnx),
            "torch, as the network is defined": timed(lambda: network(windows)),
            "its multiply-adds at the rate of a product of 1024 x 1024": product,
        },
        amount=1,
        unit="clips",
        rounds=7,
        packages=("onnxruntime",),
    )


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
    from audiorec.models import encode_clips
    from audiorec.models.encoders import ready_pretrained
    from audiorec.models.parallel_forward import ordered_map
    from audiorec.models.pretrained import fetch

    fetch()
    encoder = ready_pretrained("musicnn-msd", device="cpu")
    cpu = next(encoder.parameters()).device

    def encode(mel):
        return encode_clips(encoder, [mel], device=cpu)

    seconds = []
    for file in [files[0], *files]:
        began = time.process_time()
        for y in load_clips(Path(file), config=encoder.mel):
            encode(log_mel(y, config=encoder.mel))
        seconds.append(time.process_time() - began)
    ours = seconds[1:]
    began = time.perf_counter()
    mels = [log_mel(load_clips(f, config=encoder.mel)[0], config=encoder.mel) for f in files]
    list(ordered_map(encode, mels, device=cpu))
    print(f"\nmusicnn: {min(ours):.3f} s of one core per clip; ", end="", file=sys.stderr)
    rate = len(files) / (time.perf_counter() - began)
    print(f"{rate:.1f} clips per second on {os.cpu_count()} cores", file=sys.stderr)
    theirs = seconds_of_the_original(files)
    sides = {"audiorec.models.encoders.pretrained": Side(ours)}
    if theirs is not None:
        sides["the original program"] = Side(theirs)
    title = "A clip of 30 s to musicnn's vectors and tags, processor time of one core"
    Result("musicnn", title, 1, "clips", sides, command=COMMAND).keep()
    if theirs is None:
        pytest.skip("MUSICNN_PYTHON names no interpreter with the original program")
    ratio = min(theirs) / min(ours)
    print(f"the original: {min(theirs):.3f} s; {ratio:.1f} times as long", file=sys.stderr)
    assert ratio > FLOOR
