"""``audiorec descriptors``: tempo, key, loudness, brightness and energy of every track."""

from __future__ import annotations

import click

from audiorec.cli.options import GlobalOptions, jobs_option, json_option, strict_option
from audiorec.cli.output import echo_json, fail_if_strict
from audiorec.cli.progress_line import progress_shown


@click.command("descriptors")
@jobs_option
@strict_option
@json_option
@click.pass_obj
def command(settings: GlobalOptions, jobs: int | None, strict: bool, as_json: bool) -> None:
    """Measure tempo, key, loudness, brightness and energy of the tracks that have none yet.

    'playlist --kind arc', --tempo, --key and 'explain' use them. If killed, it continues later.
    """
    from audiorec.pipeline import describe_catalog

    settings.workspace.check()
    with settings.workspace.writing(), progress_shown() as progress:
        report = describe_catalog(settings.workspace, n_jobs=jobs, progress=progress)
    if as_json:
        echo_json(report._asdict())
    else:
        click.echo(f"{report.measured} measured, {report.kept} kept, {report.failed} failed")
    fail_if_strict(report.failed, strict=strict)
