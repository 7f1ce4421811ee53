"""Options of ``evaluate`` for studies: label shares, former options, valid combinations."""

from __future__ import annotations

import click

from audiorec.studies import STUDIES
from audiorec.studies.registry import HELD_OUT

ALL_LABELS = "5,10,25,50,100"  # %
OF_THE_TABLE = ("--truth", "--report", "--system", HELD_OUT)
# Former options, accepted for one release.
FORMER = {
    "thin": "cold-to-warm",
    "reach": "popularity-and-hubs",
    "neighbours": "neighbours",
}
LOSSES = ("mse", "cosine", "contrastive")
NETWORKS = ("cnn", "dieleman2014", "vandenoord2013", "shortchunk")  # of the former --networks


def parse_labels(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[float, ...]:
    """Parse percentages (``5,10``) into shares, and numbers of tracks (``500t``)."""
    if value is None:
        return ()
    try:
        labels = tuple(_label(part.strip()) for part in value.split(","))
    except ValueError:
        labels = (0.0,)
    if not all(0 < label <= 1 or (label > 1 and label == int(label)) for label in labels):
        raise click.BadParameter(
            f"{value!r} must be percentages above 0 up to 100, as in 5,10,25, or numbers of "
            "tracks, as in 500t,1000t"
        )
    return labels


def _label(part: str) -> float:
    if part.endswith("t"):
        return float(max(2, int(part[:-1]))) if int(part[:-1]) > 0 else 0.0
    share = float(part.removesuffix("%")) / 100
    return share if share <= 1 else 0.0


def study_of_former_options(
    study: str | None,
    vary: tuple[str, ...],
    *,
    labels: tuple[float, ...],
    former: dict[str, bool],
) -> tuple[str | None, tuple[str, ...]]:
    """Return the study that former options mean, with a notice, and an ablation's settings."""
    meant = {f"--{flag}": FORMER.get(flag, "ablation") for flag, given in former.items() if given}
    if former["losses"]:
        vary += tuple(f"loss={loss}" for loss in LOSSES)
    if former["networks"]:
        vary += tuple(f"encoder={network}" for network in NETWORKS)
    if study is None and vary and not former["losses"] and not former["networks"]:
        meant["--vary alone"] = "ablation"
    if study is None and labels:
        meant["--labels alone"] = "label-efficiency"
    studies = {*meant.values(), *((study,) if study else ())}
    if len(studies) > 1:
        raise click.UsageError(f"{', '.join(sorted(studies))}: ask for one study at a time")
    for option, name in meant.items():
        click.echo(f"{option} will be removed in the next release: write --study {name}", err=True)
    return next(iter(studies), None), vary


def check_options(
    study: str | None,
    *,
    vary: object,
    labels: object,
    systems: object,
    truth: object,
    page: object,
    held_out: bool,
) -> None:
    """Raise `click.UsageError` for an option that would be ignored."""
    given = {
        "--vary": vary,
        "--labels": labels,
        "--truth": truth,
        "--report": page,
        "--system": systems,
        HELD_OUT: held_out,
    }
    looked_at = STUDIES[study].options if study else OF_THE_TABLE
    for option, value in given.items():
        if value and option not in looked_at:
            beside = f"--study {study}" if study else "the table of systems"
            raise click.UsageError(f"{option} cannot be combined with {beside}; leave one out")
