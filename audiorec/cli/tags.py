"""``audiorec tags``: tags for tracks, from the audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.options import (
    GlobalOptions,
    confidence_option,
    jobs_option,
    json_option,
    strict_option,
)
from audiorec.cli.output import echo_json, echo_line, fail_if_strict
from audiorec.cli.progress_line import progress_shown

if TYPE_CHECKING:
    from audiorec.data.catalog import Catalog, Tag, Track
    from audiorec.models.encoders import PretrainedEncoder
    from audiorec.tagging import ProbeReport
    from audiorec.workspace import Workspace

ENCODER = "musicnn"  # where none is named


@click.command("tags")
@click.argument("tracks", nargs=-1, metavar="[TRACK_OR_FILE]...")
@click.option(
    "--all", "all_", is_flag=True, help="Tag every track that has no tags yet, and store them."
)
@click.option("--list", "list_", is_flag=True, help="List all tags, and how many tracks have each.")
@click.option("-k", type=click.IntRange(min=1), default=8, show_default=True, help="How many.")
@confidence_option
@click.option(
    "--encoder",
    help="Network that tags: see 'audiorec pretrained list'. [default: stored tags, or musicnn]",
)
@jobs_option
@strict_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    tracks: tuple[str, ...],
    all_: bool,
    list_: bool,
    k: int,
    min_confidence: float,
    encoder: str | None,
    jobs: int | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Tag TRACK by its sound, such as "guitar, female vocalists, folk".

    Tags come from a pretrained network ('audiorec pretrained fetch musicnn' downloads it). Their
    confidence is the network's output, averaged over the clip: it compares tracks, but is not
    calibrated.

    \b
    audiorec tags --all    tag every track that has no tags yet, and store them
    audiorec tags TRACK    show stored tags; a track without any is tagged now, not stored
    audiorec tags --list   list all tags of the library

    If --all is killed, it continues later. If the catalogue has genres, it also trains a classifier
    of them, prints its accuracy on artists it was not trained on, and stores its tags as "probe",
    with calibrated confidence if that helps. 'audiorec similar' uses stored tags: --tag,
    --without-tag, --why.
    """
    if bool(tracks) + all_ + list_ != 1:
        raise click.UsageError("name tracks or files, or ask for --all or for --list")
    if encoder is not None:
        from audiorec.models.pretrained import find

        encoder = find(encoder).name
    workspace: Workspace | None = settings.workspace
    assert workspace is not None
    if tracks and all(Path(name).is_file() for name in tracks) and not workspace.root.exists():
        workspace = None  # files can be tagged without a workspace
    else:
        workspace.check()
    if all_:
        assert workspace is not None
        tag_all(workspace, encoder or ENCODER, jobs=jobs, strict=strict, as_json=as_json)
    elif list_:
        assert workspace is not None
        show_list(workspace, min_confidence=min_confidence, as_json=as_json)
    else:
        from audiorec.data.catalog import merge_tags

        tagged = [
            {
                **facts,
                "tags": [
                    tag._asdict() for tag in merge_tags(tags, min_confidence=min_confidence)[:k]
                ],
            }
            for facts, tags in words(workspace, tracks, encoder)
        ]
        show_words(tagged, as_json=as_json)


def tag_all(
    workspace: Workspace, encoder: str, *, jobs: int | None, strict: bool, as_json: bool
) -> None:
    """Store tags for every track, and report the work done and the probe's accuracy."""
    from audiorec.models.encoders import ready_pretrained
    from audiorec.tagging import tag_catalog

    with workspace.writing(), progress_shown() as progress:
        report = tag_catalog(workspace, ready_pretrained(encoder), n_jobs=jobs, progress=progress)
    tagged, probe = report
    if as_json:
        counts = {"heard": tagged.tagged, "kept": tagged.kept, "failed": tagged.failed}
        echo_json({**counts, "probe": probe._asdict() if probe is not None else None})
    else:
        click.echo(f"tags      {tagged.tagged} tagged, {tagged.kept} kept, {tagged.failed} failed")
        for line in probe_lines(probe):
            click.echo(f"probe     {line}")
    fail_if_strict(tagged.failed, strict=strict)


def probe_lines(report: ProbeReport | None) -> list[str]:
    """Format a probe's accuracy in a few lines."""
    if report is None:
        return ["none: two genres are needed, each of 8 tracks or more by 3 artists or more"]
    lines = [
        f"{len(report.genres)} genres of {report.n_tracks} tracks by {report.n_artists} artists"
        + (f"; {report.n_left_out} tracks of rarer genres left out" if report.n_left_out else ""),
        f"right about {report.accuracy:.0%} [{report.low:.0%}, {report.high:.0%}] of the tracks of "
        f"artists it was not trained on; most frequent genre {report.chance:.0%}, shuffled "
        f"{report.shuffled:.0%}",
        f"calibration error {report.error_before:.3f} before calibration, {report.error_after:.3f} "
        "after" + ("" if report.calibrated else ": confidences are left as they are"),
    ]
    if not report.reliable:
        lines.append("not clearly better than chance: none of its tags are stored")
    return lines


def show_list(workspace: Workspace, *, min_confidence: float, as_json: bool) -> None:
    """Print every tag and how many tracks have it."""
    from audiorec.data.catalog import Catalog

    with Catalog(workspace.catalog, read_only=True) as catalog:
        counts = catalog.tags.counts(min_confidence=min_confidence)
    if as_json:
        echo_json([count._asdict() for count in counts])
        return
    for count in counts:
        echo_line(f"{count.tracks:6}  {count.tag}")
    if not counts:
        click.echo("no track has tags yet: run 'audiorec tags --all'", err=True)


def words(
    workspace: Workspace | None, names: Sequence[str], encoder: str | None
) -> Iterator[tuple[dict[str, str], list[Tag]]]:
    """Resolve each name to a track or file, with its tags: stored ones, or predicted now.

    Of the networks' tags, only those of `encoder` if one is named.
    """
    from audiorec.data.catalog import Catalog
    from audiorec.data.catalog.tags import GIVEN, PROBE

    tag = FileTagger(workspace, encoder or ENCODER)
    with ExitStack() as stack:
        catalog = None
        if workspace is not None:
            catalog = stack.enter_context(Catalog(workspace.catalog, read_only=True))
        for name in names:
            track = _track(catalog, name)
            facts = {
                "query": name,
                "track_id": track.track_id,
                "artist": track.artist,
                "title": track.title,
                "path": track.path,
            }
            tags = catalog.tags.of([track.track_id]).get(track.track_id, []) if catalog else []
            others = {GIVEN}
            if encoder is not None:
                others.add(PROBE)
                tags = [tag for tag in tags if tag.source in {*others, encoder}]
            sources = {tag.source for tag in tags}
            if sources <= others:
                tags_ = tag(Path(track.path))
                tags = [*tags, *(tag for tag in tags_ if tag.source not in sources)]
            yield facts, tags


def show_words(tagged: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print tracks with their tags."""
    if as_json:
        echo_json({"tracks": tagged})
        return
    for one in tagged:
        name = " - ".join(part for part in (one["artist"], one["title"]) if part)
        echo_line("  ".join(part for part in (one["track_id"], name) if part))
        text = ", ".join(_word(**tag) for tag in one["tags"])
        echo_line(f"    may contain: {text}" if text else "    no tag is confident enough")


class FileTagger:
    """A tagger of files whose network is loaded for the first of them."""

    def __init__(self, workspace: Workspace | None, encoder: str) -> None:
        self._workspace = workspace
        self._name = encoder
        self._encoder: PretrainedEncoder | None = None

    def __call__(self, file: Path) -> list[Tag]:
        """Predict the tags of a file, without storing them."""
        from audiorec.models.encoders import ready_pretrained
        from audiorec.tagging import tag_file

        self._encoder = self._encoder or ready_pretrained(self._name)
        return tag_file(self._workspace, file, self._encoder)


def _track(catalog: Catalog | None, name: str) -> Track:
    """Find the catalogued track of a name, or make one for a file outside the catalogue."""
    from audiorec.data.catalog import Track
    from audiorec.recommend.query_resolution import find, is_file

    outside = Track(track_id=str(Path(name).absolute()), path=str(Path(name).absolute()))
    if catalog is None:
        return outside
    if is_file(name):
        return catalog.at(name) or outside
    return find(catalog, name)


def _word(tag: str, confidence: float, source: str) -> str:
    if source == "given":
        return f"{tag} (given)"
    return f"{tag} {confidence:.2f}" + (" (probe)" if source == "probe" else "")
