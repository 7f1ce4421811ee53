"""``audiorec explain``: explain a match of two tracks, or the filters of the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.default_group import DefaultGroup
from audiorec.cli.options import GlobalOptions, PathType, json_option, space_options
from audiorec.cli.output import echo_json, echo_line
from audiorec.cli.progress_line import progress_shown

if TYPE_CHECKING:
    from audiorec.explain import Explanation, FilterReading, Occlusion

PICTURES = (".png", ".svg", ".pdf")


@click.group("explain", cls=DefaultGroup)
def command() -> None:
    """Explain why two tracks match, or what the filters of the network respond to."""


@command.command("units")
@click.option(
    "-n", "--filters", "n_filters", type=click.IntRange(min=1), default=24, show_default=True,
    help="Number of the most selective filters to show.",
)  # fmt: skip
@click.option(
    "--tracks", "n_tracks", type=click.IntRange(min=20), default=300, show_default=True,
    help="Maximum number of tracks, drawn evenly from the library; a published network takes "
    "a second or two for each.",
)  # fmt: skip
@click.option("--layer", help="One layer only, such as 'layer 3', or 'middle 2' of musicnn.")
@click.option(
    "-o", "--output", type=PathType(dir_okay=False, path_type=Path),
    help="Output page. [default: reports/units.html in the workspace]",
)  # fmt: skip
@json_option
@click.pass_obj
def units(
    settings: GlobalOptions,
    n_filters: int,
    n_tracks: int,
    layer: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Explain what each filter of the model's network responds to, and write a page.

    For each filter: the tracks that activate it most by mean and by maximum, the genre they share
    beside what chance would give, and excerpts with spectrogram and sound.
    """
    from audiorec.explain import read_filters, write_filter_page
    from audiorec.explain.filter_page import summary
    from audiorec.recommend import Library

    settings.workspace.check()
    library = Library(settings.workspace)
    with progress_shown() as progress:
        reading = read_filters(library, n_tracks=n_tracks, layer=layer, progress=progress)
    file = output or settings.workspace.reports / "units.html"
    n_silent = write_filter_page(library, reading, file, n_filters=n_filters)
    if n_silent:
        echo_line(f"{n_silent} excerpts have no sound: their files cannot be decoded", err=True)
    if as_json:
        shown = [_reading_as_table(each) for each in reading.filters[:n_filters]]
        echo_json({**reading._asdict(), "file": str(file), "filters": shown})
        return
    for line in summary(reading):
        echo_line(line)
    for each in reading.filters[:n_filters]:
        names = ", ".join(library.track(e.track_id).name for e in each.by_mean[:2])
        genre = f"{each.genre} {100 * each.share:.0f} %, x {each.lift:g}, p {each.p:g}"
        echo_line(f"{each.layer:10} {each.number:4}  {genre if each.genre else '-'}  ({names})")
    echo_line(f"page: {file}", err=True)


def _reading_as_table(reading: FilterReading) -> dict[str, Any]:
    table = reading._asdict()
    for key in ("by_mean", "by_max"):
        table[key] = [excerpt._asdict() for excerpt in table[key]]
    return table


@click.command("explain")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--sound",
    is_flag=True,
    help="Also which seconds and bands make them match; takes a few seconds.",
)
@click.option(
    "--picture", type=PathType(dir_okay=False, path_type=Path), metavar="FILE",
    help="Draw the result of --sound onto both spectrograms: a .png, .svg or .pdf.",
)  # fmt: skip
@space_options
@json_option
@click.pass_obj
def pair(
    settings: GlobalOptions,
    first: str,
    second: str,
    sound: bool,
    picture: Path | None,
    space: Any,
    popularity: float,
    as_json: bool,
) -> None:
    """Explain why tracks A and B match: listeners, neighbours, tags, tempo, key and sound.

    A track is named as for 'similar'. 'explain units' explains what the filters of the network
    respond to: see 'explain units --help'.
    """
    from audiorec.explain import explain_pair
    from audiorec.recommend import Library

    if popularity:
        raise click.UsageError("a match has no popularity; leave --popularity out")
    if picture is not None and picture.suffix.lower() not in PICTURES:
        raise click.BadParameter(
            f"{picture} must end in one of {', '.join(PICTURES)}", param_hint="--picture"
        )
    settings.workspace.check()
    library = Library(settings.workspace)
    sound = sound or picture is not None
    found = explain_pair(library, first, second, space=space, sound=sound)
    if picture is not None:
        from audiorec.explain import draw_pair

        draw_pair(library, found, picture)
        echo_line(f"picture: {picture}", err=True)
    if as_json:
        from audiorec.explain import occlusion_table

        table = found._asdict()
        table["listeners"] = found.listeners and found.listeners._asdict()
        table["sound"] = found.sound and [occlusion_table(each) for each in found.sound]
        echo_json(table)
        return
    names = [library.track(id_).name for id_ in (found.first, found.second)]
    for line in lines(found, names):
        echo_line(line)


def lines(explanation: Explanation, names: list[str]) -> list[str]:
    """Format an explanation as lines of plain text."""
    from audiorec.data.catalog.descriptors import UNITS

    text = [
        f"{names[0]} and {names[1]}: cosine {explanation.score:.3f}, nearer than "
        f"{explanation.percentile:.1f} % of the pairs of this library"
    ]
    if explanation.same_song:
        text.append("versions of one song by one artist")
    if explanation.other_version:
        text.append("the same title by another artist: likely a version of the same song")
    if explanation.listeners is not None:
        both, one, other, everyone, expected = explanation.listeners
        text.append(
            f"listeners: {both} played both, {expected:g} expected by chance ({one} and {other} "
            f"of {everyone} played each)"
        )
    text.append(
        f"neighbours: {explanation.shared_neighbours} of the {explanation.n_neighbours} "
        "nearest in common"
    )
    for label, words in (
        ("words of both", explanation.words_both),
        (f"only {names[0]}", explanation.words_first),
        (f"only {names[1]}", explanation.words_second),
    ):
        if words:
            text.append(f"{label}: {', '.join(words[:8])}")
    for label, values in (("alike", explanation.alike), ("apart", explanation.apart)):
        for name, (one_, other_) in values.items():
            unit = f" {UNITS[name]}" if name in UNITS else ""
            text.append(f"{label}: {name} {one_} and {other_}{unit}")
    for each, name in zip(explanation.sound or (), names, strict=False):
        text += _of_sound(each, name)
    return text


def _of_sound(occlusion: Occlusion, name: str) -> list[str]:
    from audiorec.explain import strongest

    starts = occlusion.clip_starts
    start = starts[0] if len(starts) == 1 else 0.0  # with several clips, seconds count within each
    seconds = [
        f"{start + s.start:.0f}-{start + s.end:.0f} s (-{s.loss:.3f})"
        for s in strongest(occlusion.seconds)
    ]
    bands = [f"{s.start:g}-{s.end:g} Hz (-{s.loss:.3f})" for s in strongest(occlusion.bands)]
    return [
        f"carried, in {name}, by {', '.join(seconds) or 'no single time span'}; "
        f"{', '.join(bands) or 'no single band'} "
        f"(loss of the cosine {occlusion.cosine:.3f} of the audio when each is hidden)"
    ]


command.default = pair
