"""``audiorec plays``: import, list and remove plays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.default_group import HELP, DefaultGroup, ImportCommand
from audiorec.cli.options import GlobalOptions, PathType, json_option
from audiorec.cli.output import echo_json, echo_line, echo_repeated_rows
from audiorec.cli.progress_line import progress_shown
from audiorec.exceptions import DataError, data_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audiorec.data import HistoryReport
    from audiorec.data.catalog import Catalog
    from audiorec.data.histories import Export, ExportFile
    from audiorec.data.names import Matcher
    from audiorec.data.plays import ImportReport, PlaysWriter, UnmatchedName
    from audiorec.workspace import Workspace

MOST_NAMED = 20  # files that are named one by one
TABLES = (".csv", ".tsv", ".txt", ".gz", "")
"""File suffixes read as a table of plays where no other format matches."""


@click.group("plays", cls=DefaultGroup, context_settings=HELP)
def command() -> None:
    """Import, list and remove listening."""


def formats() -> list[tuple[str, str]]:
    """Return every format and how to obtain its export."""
    from audiorec.data.histories import SOURCES, history

    return [(name, history(name).EXPORT) for name in SOURCES]


@click.command(
    "plays",
    cls=ImportCommand,
    group=command,
    heading="Formats, and how to get them",
    listed=formats,
)
@click.argument("files", metavar="FILE...", nargs=-1, type=PathType(path_type=Path))
@click.option(
    "--source", default="auto", show_default=True, help="Format of FILE; auto recognises it."
)
@click.option(
    "--user", help="The listener's name. [default: me; several listeners keep their names]"
)
@click.option(
    "--neutral",
    type=float,
    help="For csv: the neutral rating, if ratings are 1 to 5. [default: ratings are -1, 0 or 1]",
)
@click.option(
    "--unmatched",
    type=PathType(dir_okay=False, path_type=Path),
    help="Write what matched no track to this CSV; tracks filled in there are imported first.",
)
@click.option(
    "--path-map",
    "path_maps",
    multiple=True,
    metavar="OLD=NEW",
    help="For playlists: a folder as they name it, and where it is here; repeatable.",
)
@click.option(
    "--pseudonymise", is_flag=True, help="Store salted hashes in place of listeners' names."
)
@json_option
@click.pass_obj
def import_command(
    settings: GlobalOptions,
    files: tuple[Path, ...],
    source: str,
    user: str | None,
    neutral: float | None,
    unmatched: Path | None,
    path_maps: tuple[str, ...],
    pseudonymise: bool,
    as_json: bool,
) -> None:
    """Import listening from FILE: an export of another program, a table, or playlists.

    FILE is a file, a folder or a zip; its format is recognised and printed. Tracks are matched to
    the catalogue; tracks without audio are kept too, since they improve the factors. Importing a
    file again replaces its earlier import.
    """
    from audiorec.data.histories import AUTO, SOURCES
    from audiorec.pipeline.name_matcher import make_matcher

    if source not in (AUTO, *SOURCES):
        known = ", ".join((AUTO, *SOURCES))
        raise click.BadParameter(f"{source!r} is not one of {known}", param_hint="--source")
    if user is not None and not user.strip():
        raise click.BadParameter("'' is not a name", param_hint="--user")
    if not files and unmatched is None:
        raise click.UsageError("name a FILE to import, or --unmatched FILE.csv")
    workspace = settings.workspace
    with workspace.writing(), progress_shown() as progress:
        matcher = make_matcher(workspace, progress=progress)
        salt = workspace.salt() if pseudonymise else None
        how: dict[str, Any] = {"neutral": neutral, "path_maps": path_maps}
        job = PlaysImport(workspace, matcher, source=source, user=user, **how)
        reports, unmatched_names, corrected = job.run(files, unmatched=unmatched, salt=salt)
    if as_json:
        echo_json(as_one(reports, unmatched_names, corrected, unmatched))
        return
    for report in reports:
        show(report)
    if unmatched is not None:
        click.echo(f"{corrected} names corrected by hand, {len(unmatched_names)} unmatched")
        echo_line(f"{unmatched}: fill in track_id (or -) and run the same command again", err=True)
    for report in reports:
        if isinstance(report, tuple) and len(report) == 2:
            report_unknown_tracks(workspace, report[0])


class PlaysImport:
    """Import of plays from several files: all are read before anything is stored.

    Parameters
    ----------
    workspace : Workspace
    matcher : callable
    source, user, neutral, path_maps
        See the command.
    """

    def __init__(
        self,
        workspace: Workspace,
        matcher: Callable[[bool], Matcher],
        *,
        source: str,
        user: str | None,
        neutral: float | None,
        path_maps: Sequence[str] = (),
    ) -> None:
        from audiorec.data.playlist_files import PathMap

        self.path_map = [PathMap.parse(text) for text in path_maps]
        self.workspace, self.matcher = workspace, matcher
        self.source, self.user, self.neutral = source, user, neutral

    def run(
        self, files: Sequence[Path], *, unmatched: Path | None, salt: bytes | None
    ) -> tuple[list[tuple[Path, ImportReport] | HistoryReport], list[UnmatchedName], int]:
        """Import files, apply a corrected list of matches, and list what is still unmatched."""
        from audiorec.data.plays import (
            assign_tracks,
            read_corrections,
            unmatched_names,
            write_unmatched,
            writing_plays,
        )

        remaining: list[UnmatchedName] = []
        corrected = 0
        former = self.workspace.salt(make=False)
        with writing_plays(self.workspace.plays, salt=salt, former_salt=former) as writer:
            reports = [self._import_file(writer, file) for file in files]
            if unmatched is not None:
                if unmatched.exists():
                    corrected = assign_tracks(writer, read_corrections(unmatched, find=self._find))
                remaining = unmatched_names(writer)
            writer.commit()
        if unmatched is not None:
            write_unmatched(unmatched, remaining)
        return reports, remaining, corrected

    def _import_file(
        self, writer: PlaysWriter, file: Path
    ) -> tuple[Path, ImportReport] | HistoryReport:
        from audiorec.data import add_history, add_table, open_export
        from audiorec.data.histories import AUTO, IN_COLUMNS, history

        source, recognised = self.source, None
        if source not in IN_COLUMNS:
            try:
                export, recognised = open_export(writer, file, source=source)
                source = recognised.source
            except DataError:
                if source != AUTO or not file.is_file() or file.suffix.lower() not in TABLES:
                    raise
                source = "csv"  # its reader reports best what is wrong with a table
        if source in IN_COLUMNS:
            if self.user is not None:
                raise click.UsageError(f"{file} names its own listeners; leave --user out")
            paths, names = self._ids_by_name()
            how: dict[str, Any] = {"neutral": self.neutral, "path_map": self.path_map}
            how["names"] = names
            if source == "csv" and recognised is not None:
                how["text"] = one_table(export, recognised.members)
            report = add_table(writer, file, source=source, paths=paths, **how)
            if self.source == AUTO:
                echo_line(f"{file}: {history(source).TITLE} (--source {source})", err=True)
            return file, report
        assert recognised is not None
        if self.neutral is not None:
            raise click.UsageError(f"--neutral is for tables, and {file} is not one")
        return add_history(writer, export, recognised, user=self.user, matcher=self.matcher)

    def _ids_by_name(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return track ids by file, and by "Artist - Title" where it is unique."""
        from audiorec.data.catalog import Catalog
        from audiorec.data.names import normalize_text

        if not self.workspace.catalog.exists():
            return {}, {}
        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            tracks = catalog.tracks(include_missing=True)
        names: dict[str, set[str]] = {}
        for track in tracks:
            names.setdefault(normalize_text(track.name), set()).add(track.track_id)
        alone = {name: ids.pop() for name, ids in names.items() if len(ids) == 1}
        return {track.path: track.track_id for track in tracks}, alone

    def _find(self, name: str) -> str:
        from audiorec.data.catalog import Catalog

        with Catalog(self.workspace.catalog, read_only=True) as catalog:
            return catalog.find(name).track_id


def one_table(export: Export, members: Sequence[ExportFile]) -> Path:
    """Return the table of an export, unpacked if it lies in an archive."""
    if len(members) > 1:
        raise data_error(
            export.path, f"holds {len(members)} tables of plays", "name them one by one"
        )
    path = members[0].path
    if path is None:
        path = export.new_file(".csv")
        members[0].copy_to(path)
    return path


def as_one(
    reports: Sequence[tuple[Path, ImportReport] | HistoryReport],
    unmatched_names: Sequence[UnmatchedName],
    corrected: int,
    unmatched: Path | None,
) -> dict[str, Any]:
    """Combine reports into one JSON object: of one file its report, of several sums and each."""
    from audiorec.data import HistoryReport

    each: list[dict[str, Any]] = []
    for report in reports:
        if isinstance(report, HistoryReport):
            each.append(report.to_json())
        else:
            each.append(report[1]._asdict() | {"file": str(report[0])})
    if len(each) == 1:
        whole = dict(each[0])
    else:
        counts = ("rows", "duplicates", "summed", "skipped", "replaced", "skips", "ratings")
        whole = {key: sum(int(one[key]) for one in each) for key in counts} | {"files": each}
    if unmatched is not None:
        whole |= {
            "mended": corrected,
            "unmatched_names": len(unmatched_names),
            "unmatched_file": str(unmatched),
        }
    return whole


def show(report: tuple[Path, ImportReport] | HistoryReport) -> None:
    """Report the import of a file."""
    from audiorec.data import HistoryReport

    if isinstance(report, HistoryReport):
        show_history(report)
    else:
        show_table(*report)


def show_history(report: HistoryReport) -> None:
    """Report the import of a listening history."""
    from audiorec.data.histories import history

    done, file = report.imported, report.file
    echo_line(f"{file}: {history(report.source).TITLE} (--source {report.source})", err=True)
    whose = ", ".join(report.users) + (", ..." if done.users > len(report.users) else "")
    echo_line(
        f"{done.rows} rows of {done.users} listener{'s' if done.users > 1 else ''} ({whose}) and "
        f"{done.tracks} tracks: {done.skips} skips, {done.ratings} ratings"
    )
    by_rule = ", ".join(f"{n} by {rule.removeprefix('by ')}" for rule, n in report.matched.items())
    echo_line(f"matched to the catalogue: {by_rule or 'none'}; {report.unmatched} listens not")
    if report.largest_unmatched:
        names = ", ".join(f"{name} ({count})" for name, count in report.largest_unmatched)
        echo_line(f"{file}: not in the catalogue, most listened to: {names}", err=True)
    for what, count in report.left_out.items():
        echo_line(f"{file}: {count} {what}", err=True)
    echo_repeated_rows(file, done, noun="plays")


def show_table(file: Path, report: ImportReport) -> None:
    """Report the import of a table or of playlists."""
    click.echo(f"{report.rows} rows of {report.users} listeners and {report.tracks} tracks")
    if report.skips or report.ratings:
        click.echo(f"{report.skips} rows with skips, {report.ratings} with likes or dislikes")
    for _, problem in report.problems:
        echo_line(f"{problem}: left out", err=True)
    for count, what in (
        (report.duplicates, "identical to an earlier one, with the same time: left out"),
        (report.summed, "without a time, for a listener and track seen before: added up"),
        (report.skipped, "without plays, or with web addresses: left out"),
        (report.replaced, "of an earlier import of the file: replaced"),
        (report.unknown, "naming files that are not in the catalogue: left out"),
    ):
        if count:
            echo_line(f"{file}: {count} row{'s' if count > 1 else ''} {what}", err=True)
    name_missing(report.missing)


def name_missing(paths: Sequence[str]) -> None:
    """Print at most a screenful of playlist entries that are not in the catalogue."""
    for path in paths[:MOST_NAMED]:
        echo_line(f"  not in the catalogue: {path}", err=True)
    if len(paths) > MOST_NAMED:
        echo_line(f"  and {len(paths) - MOST_NAMED} more: --json names them all", err=True)


def catalogued_paths(catalog: Catalog) -> dict[str, str]:
    """Return the id of every track by the path of its file."""
    return {track.path: track.track_id for track in catalog.tracks(include_missing=True)}


def report_unknown_tracks(workspace: Workspace, file: Path) -> None:
    """Report how many played tracks are not in the catalogue, with an example."""
    from audiorec.data.catalog import Catalog
    from audiorec.data.plays import all_played_tracks

    if not workspace.catalog.exists():
        return
    with Catalog(workspace.catalog, read_only=True) as catalog:
        known = {track.track_id for track in catalog.tracks(include_missing=True)}
    played = all_played_tracks(workspace.plays)
    unknown = [track_id for track_id in played if track_id not in known]
    if unknown and known:
        echo_line(
            f"{file}: with this, {len(unknown)} of {len(played)} tracks played have no audio in "
            f"the catalogue, {unknown[0]!r} among them; if they should have, scan with a "
            "--manifest that gives tracks these ids",
            err=True,
        )


@command.command("list")
@json_option
@click.pass_obj
def list_command(settings: GlobalOptions, as_json: bool) -> None:
    """List the imports: format, rows, listeners and file."""
    from audiorec.data.plays import list_parts

    workspace = settings.workspace
    workspace.check()
    parts = list_parts(workspace.plays)
    if as_json:
        echo_json(parts)
        return
    for part in parts:
        echo_line(
            f"{part['source'] or 'unknown':13} {part['rows']:9} rows {part['users']:6} listeners  "
            f"{part['file'] or '-'}"
        )
    if not parts:
        click.echo("nothing is imported yet: run 'audiorec plays FILE'", err=True)


@command.command("remove")
@click.argument("source")
@json_option
@click.pass_obj
def remove_command(settings: GlobalOptions, source: str, as_json: bool) -> None:
    """Remove the imports of SOURCE: a format, or an imported file or folder."""
    from audiorec.data.plays import remove_parts

    workspace = settings.workspace
    workspace.check()
    with workspace.writing():
        rows = remove_parts(workspace.plays, source)
    if as_json:
        echo_json({"source": source, "rows": rows})
        return
    click.echo(f"{rows} rows removed; run 'audiorec run' to learn without them")
