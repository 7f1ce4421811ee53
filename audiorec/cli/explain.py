"""``audiorec explain``: why two tracks match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.common import Settings, echo_json, echo_line, json_option, space_options

if TYPE_CHECKING:
    from audiorec.explain import Explanation
    from audiorec.explain.occlusion import Occlusion

UNITS = {"tempo": " BPM", "loudness": " LUFS", "brightness": " Hz", "energy": " dB"}


@click.command("explain")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--sound",
    is_flag=True,
    help="Also which seconds and bands carry the match, by the network; takes a few seconds.",
)
@space_options
@json_option
@click.pass_obj
def command(
    settings: Settings,
    first: str,
    second: str,
    sound: bool,
    space: Any,
    popularity: float,
    as_json: bool,
) -> None:
    """Say why tracks A and B match: listeners, neighbours, words, tempo, key and sound.

    A track is named as for 'similar'.
    """
    from audiorec.explain import explain_pair
    from audiorec.recommend.library import Library

    if popularity:
        raise click.UsageError("a match has no popularity; leave --popularity out")
    settings.workspace.check()
    library = Library(settings.workspace)
    found = explain_pair(library, first, second, space=space, sound=sound)
    if as_json:
        table = found._asdict()
        table["listeners"] = found.listeners and found.listeners._asdict()
        table["sound"] = found.sound and [_as_table(each) for each in found.sound]
        echo_json(table)
        return
    names = [library.track(id_).name for id_ in (found.first, found.second)]
    for line in lines(found, names):
        echo_line(line)


def lines(found: Explanation, names: list[str]) -> list[str]:
    """An explanation in plain words."""
    told = [
        f"{names[0]} and {names[1]}: cosine {found.score:.3f}, nearer than "
        f"{found.percentile:.1f} % of the pairs of this library"
    ]
    if found.same_song:
        told.append("versions of one song by one artist")
    if found.other_version:
        told.append("the same title by another artist: likely a version of the same song")
    if found.listeners is not None:
        both, one, other, everyone, expected = found.listeners
        told.append(
            f"listeners: {both} played both, {expected:g} expected by chance ({one} and {other} "
            f"of {everyone} played each)"
        )
    told.append(
        f"neighbours: {found.shared_neighbours} of the {found.n_neighbours} nearest in common"
    )
    for label, words in (
        ("words of both", found.words_both),
        (f"only {names[0]}", found.words_first),
        (f"only {names[1]}", found.words_second),
    ):
        if words:
            told.append(f"{label}: {', '.join(words[:8])}")
    for label, values in (("alike", found.alike), ("apart", found.apart)):
        for name, (one_, other_) in values.items():
            told.append(f"{label}: {name} {one_} and {other_}{UNITS.get(name, '')}")
    for each, name in zip(found.sound or (), names, strict=False):
        told += _of_sound(each, name)
    return told


def _of_sound(found: Occlusion, name: str) -> list[str]:
    from audiorec.explain.occlusion import strongest

    seconds = [f"{s.start:g}-{s.end:g} s (-{s.loss:.3f})" for s in strongest(found.seconds)]
    bands = [f"{s.start:g}-{s.end:g} Hz (-{s.loss:.3f})" for s in strongest(found.bands)]
    return [
        f"carried, in {name}, by {', '.join(seconds) or 'no stretch of time alone'}; "
        f"{', '.join(bands) or 'no band alone'} (what the cosine {found.cosine:.3f} of the sounds "
        "loses without)"
    ]


def _as_table(found: Occlusion) -> dict[str, Any]:
    table = found._asdict()
    for key in ("seconds", "bands"):
        table[key] = [stretch._asdict() for stretch in table[key]]
    return table
