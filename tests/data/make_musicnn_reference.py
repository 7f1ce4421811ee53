"""Make musicnn_reference.npz: what the original musicnn 0.1.0 says of five synthetic clips.

Run it where the original program is installed, in an environment of its own:

    python -m venv mnn && . mnn/bin/activate
    pip install tensorflow-cpu tf_keras librosa soundfile 'numpy<2'
    pip install --no-deps musicnn==0.1.0
    TF_USE_LEGACY_KERAS=1 python tests/data/make_musicnn_reference.py

All windows of a clip are one batch: asked for one window at a time, as it is by default, the
original gives the first window's penultimate vector again for every other.

Two things have changed under the original since it was written, and are put back here:

- librosa.feature.melspectrogram mirrored the signal at its ends (librosa < 0.10), and the weights
  were trained on that: ``pad_mode="reflect"``.
- NumPy < 2 computes ``10000 * x`` of a half-precision array in single precision. With NumPy 2 the
  same line overflows in half precision on any loud music.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

SR = 16000
FILE = Path(__file__).with_name("musicnn_reference.npz")
MODELS = {
    "musicnn-msd": "MSD_musicnn",
    "musicnn-mtt": "MTT_musicnn",
    "vgg-msd": "MSD_vgg",
    "vgg-mtt": "MTT_vgg",
}


def clips() -> dict[str, np.ndarray]:
    """Five clips [shape=(n,)], float32, mono at 16 kHz, of 7 to 10 s."""
    rng = np.random.default_rng(20190704)

    def time(seconds: float) -> np.ndarray:
        return np.arange(int(seconds * SR)) / SR

    def tone(t: np.ndarray, hz: float, partials: int) -> np.ndarray:
        return sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, partials + 1))

    t = time(7)
    chord = sum(tone(t, hz, 8) for hz in (220.0, 277.2, 329.6)) * 0.12
    chord *= 0.6 + 0.4 * np.sin(2 * np.pi * 0.4 * t)

    t = time(10)
    drums = np.zeros(len(t))
    for beat in range(20):
        at = beat * SR // 2
        tail = t[: len(t) - at]
        noise = rng.standard_normal(len(tail)) * np.exp(-tail * 40)
        drums[at:] += 0.9 * np.sin(2 * np.pi * 60 * tail) * np.exp(-tail * 12) + 0.2 * noise

    t = time(8)
    melody = np.zeros(len(t))
    for note, step in enumerate(rng.integers(0, 24, size=32)):
        at = note * SR // 4
        tail = t[: min(SR // 2, len(t) - at)]
        melody[at : at + len(tail)] += (
            0.3 * tone(tail, 196.0 * 2 ** (step / 12), 5) * np.exp(-tail * 6)
        )

    t = time(9)
    wash = np.cumsum(rng.standard_normal(len(t)))
    wash -= np.convolve(wash, np.ones(400) / 400, mode="same")
    wash = 0.02 * wash / wash.std()  # faint

    t = time(9)
    band = 0.4 * np.sign(np.sin(2 * np.pi * 110 * t)) * (np.sin(2 * np.pi * 2 * t) > 0)
    band += 0.4 * np.sin(2 * np.pi * (800 + 6 * np.sin(2 * np.pi * 5.5 * t)) * t)
    band += 0.3 * rng.standard_normal(len(t)) * (np.sin(2 * np.pi * 4 * t) > 0.9)
    loud = {"chord": chord, "drums": drums, "melody": melody, "wash": wash, "band": band}
    return {name: np.clip(y, -1, 1).astype(np.float32) for name, y in loud.items()}


def main() -> None:
    """Ask the original, and write the numbers."""
    import tempfile

    import librosa
    import soundfile

    assert (np.ones(1, np.float16) * 10000).dtype == np.float32, "install numpy<2"
    librosa.feature.melspectrogram = functools.partial(
        librosa.feature.melspectrogram, pad_mode="reflect"
    )
    from musicnn import configuration
    from musicnn.extractor import extractor

    configuration.BATCH_SIZE = 64
    numbers = {}
    with tempfile.TemporaryDirectory() as folder:
        for clip, y in clips().items():
            file = Path(folder) / f"{clip}.wav"
            soundfile.write(file, y, SR, subtype="FLOAT")
            for name, model in MODELS.items():
                tags, _, features = extractor(str(file), model=model, extract_features=True)
                key = "penultimate" if name.startswith("musicnn") else "pool5"
                numbers[f"{name}/{clip}/tags"] = tags
                rows = features[key].reshape(len(tags), -1)
                numbers[f"{name}/{clip}/penultimate"] = rows
                if name == "musicnn-msd":
                    numbers[f"{name}/{clip}/mean_pool"] = features["mean_pool"]
                    numbers[f"{name}/{clip}/max_pool"] = features["max_pool"]
    np.savez_compressed(FILE, **{key: a.astype(np.float32) for key, a in numbers.items()})


if __name__ == "__main__":
    main()
