"""Page of the network's filters, with spectrograms and sounds."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

import numpy as np
import soundfile

from audiorec.audio import open_source, resample
from audiorec.data.catalog import Track
from audiorec.exceptions import AudioError
from audiorec.explain.units import Excerpt, FilterReading, NetworkReading
from audiorec.mel import MelStore
from audiorec.output_files import write_output
from audiorec.recommend import Library

SECONDS = 4.0  # of an excerpt, around the strongest moment
RATE = 22050
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
  color: #1b1b1f; background: #fff }
h2 { font-size: 1.05rem; margin: 2rem 0 .2rem }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem }
figure { margin: 0 } img { width: 100%; height: 7rem; image-rendering: pixelated }
audio { width: 100% } figcaption { font-size: .85rem; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { body { color: #e6e6ea; background: #16161a } }
"""


def write_filter_page(
    library: Library, reading: NetworkReading, file: Path, *, n_filters: int
) -> int:
    """Write the page of the most selective filters, with embedded pictures and sounds.

    An excerpt whose recording can no longer be decoded has a picture only.

    Parameters
    ----------
    library : Library
    reading : NetworkReading
    file : Path
        Replaced atomically.
    n_filters : int
        Most filters.

    Returns
    -------
    n_silent : int
        Excerpts without sound.
    """
    store = MelStore(library.workspace.mels)
    shown = reading.filters[:n_filters]
    figures: dict[Excerpt, tuple[str, bool]] = {}
    for each in shown:
        for excerpt in (*each.by_mean[:2], *each.by_max[:2]):
            if excerpt not in figures:
                figures[excerpt] = _figure(library.track(excerpt.track_id), excerpt, store)
    body = "".join(_section(each, reading, lambda e: figures[e][0]) for each in shown)
    title = f"What the filters of {escape(reading.encoder)} listen for"
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>{_head(reading)}{body}</body></html>\n"
    )
    write_output(file, page.encode("utf-8", errors="replace"))
    return sum(not has_sound for _, has_sound in figures.values())


def summary(reading: NetworkReading) -> Iterable[str]:
    """Summarize the selectivity of the filters in a few lines."""
    n = reading.n_filters - reading.n_constant
    yield (
        f"{reading.encoder}: {reading.n_filters} filters, {reading.n_constant} of them the same "
        f"for each of {reading.n_tracks} tracks"
    )
    yield (
        f"{reading.n_selective} of {n} favour a genre more than chance does at p <= 0.05, where "
        f"{0.05 * n:.0f} would by chance"
    )
    if reading.filters and reading.filters[0].genre:
        best = reading.filters[0]
        yield (
            f"the most selective: of the {reading.n_top} tracks that excite it most "
            f"{100 * best.share:.0f} % are {best.genre}, {best.lift:g} times their share; by "
            f"chance the best filter reaches {reading.chance_lift:g} times in one of twenty"
        )


def _head(reading: NetworkReading) -> str:
    return "".join(f"<p>{escape(line)}.</p>" for line in summary(reading))


def _section(each: FilterReading, reading: NetworkReading, figure: Callable[[Excerpt], str]) -> str:
    genre = (
        f"{escape(each.genre)}: {100 * each.share:.0f} % of the {reading.n_top} tracks that excite "
        f"it most, {each.lift:g} times the library's share (p {each.p:g}); by maxima "
        f"{each.lift_by_max:g} times"
        if each.genre
        else "no genre has enough tracks"
    )
    parts = [
        f"<figure>{figure(excerpt)}<figcaption>by {what}, {excerpt.activation:g}</figcaption>"
        "</figure>"
        for what, excerpts in (("mean", each.by_mean[:2]), ("maximum", each.by_max[:2]))
        for excerpt in excerpts
    ]
    return (
        f"<h2>{escape(each.layer)}, filter {each.number}</h2><p>{genre}</p>"
        f'<div class="row">{"".join(parts)}</div>'
    )


def _figure(track: Track, excerpt: Excerpt, store: MelStore) -> tuple[str, bool]:
    """Format an excerpt with picture, sound and name; also return whether it has sound."""
    mel = store.get(excerpt.track_id, excerpt.clip)
    config = store.config
    begin = max(0.0, excerpt.seconds - SECONDS / 2)
    frames = mel[:, config.frames(begin) : config.frames(begin + SECONDS)]
    name = escape(track.name)
    picture = (
        f'<img alt="Log-mel spectrogram of {name}, {SECONDS:g} s" '
        f'src="data:image/png;base64,{b64encode(_png(np.asarray(frames, np.float32))).decode()}">'
    )
    start = store.starts(track.track_id, duration=track.duration)[excerpt.clip] + begin
    try:
        sound = _mp3(Path(track.path), start)
    except (AudioError, OSError):
        return f"{picture}<div>{name}</div>", False
    player = f'<audio controls src="data:audio/mpeg;base64,{b64encode(sound).decode()}"></audio>'
    return f"{picture}{player}<div>{name}, {start // 60:.0f}:{start % 60:02.0f}</div>", True


def _png(mel: np.ndarray) -> bytes:
    from matplotlib.image import imsave  # here: text and JSON do not load it

    out = io.BytesIO()
    low = max(float(mel.max()) - 80.0, float(mel.min()))
    imsave(out, mel, format="png", cmap="magma", origin="lower", vmin=low, vmax=float(mel.max()))
    return out.getvalue()


def _mp3(path: Path, start: float) -> bytes:
    """Encode some seconds of a recording, mono; `AudioError` if it cannot be decoded."""
    with open_source(path) as source:
        sr = source.info.sr
        y = np.asarray(source.read([round(start * sr)], round(SECONDS * sr))[0], np.float32)
    y = np.clip(resample(y, sr=sr, target_sr=RATE), -1, 1)
    out = io.BytesIO()
    soundfile.write(out, y, RATE, format="MP3", subtype="MPEG_LAYER_III")
    return out.getvalue()
