"""``audiorec recommend``: tracks for a listener."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.answers import echo_hits
from audiorec.cli.imports_without_gc import without_garbage_collection
from audiorec.cli.options import (
    GlobalOptions,
    PathType,
    json_option,
    k_option,
    space_options,
    versions_option,
)
from audiorec.cli.output import echo_line
from audiorec.cli.query_options import filter_options, make_filter
from audiorec.playlist import FORMATS

if TYPE_CHECKING:
    from audiorec.recommend import Hit, Space
    from audiorec.sessions import SessionHit


@click.command("recommend")
@click.argument("user", required=False)
@k_option
@click.option(
    "--heard", "include_played", is_flag=True, help="Include tracks that the listener has played."
)
@click.option(
    "--session",
    "session",
    multiple=True,
    metavar="TRACK",
    help="What was played just now, oldest first; repeatable. Without USER, answer as 'next'.",
)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False, path_type=Path),
    help="Also write the tracks as a playlist: .m3u8, .xspf, .jspf or .json.",
)
@filter_options
@space_options
@versions_option
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    user: str | None,
    k: int,
    include_played: bool,
    session: tuple[str, ...],
    output: Path | None,
    space: Space,
    popularity: float,
    versions: bool,
    as_json: bool,
    per_artist: int,
    per_album: int,
    **options: Any,
) -> None:
    """Recommend tracks to USER: "me", or a user_id of the imported listening.

    Tracks that nobody has played yet are ranked with all others, by their sound; those with few
    plays by both. --session favours what usually follows the tracks played just now.
    """
    if user is None and not session:
        raise click.UsageError("Name a USER, or what was played just now by --session.")
    if session and output is not None:
        raise click.UsageError("--output is for a listener alone; leave --session out")
    filters = make_filter(options, user=user or "me")
    if session and (filters or per_artist or per_album):
        raise click.UsageError("filters and limits are for a listener alone; leave --session out")
    settings.workspace.check()
    if user is not None:
        from audiorec.data.plays import stored_name

        user = stored_name(user, workspace=settings.workspace)
    if session:
        _recommend_session(
            settings, user, session, k=k, include_played=include_played, space=space,
            popularity=popularity, as_json=as_json,
        )  # fmt: skip
        return
    assert user is not None
    with without_garbage_collection():
        from audiorec.recommend import Library

    workspace = settings.workspace
    suffix = output.suffix[1:].lower() if output else "m3u8"
    if suffix not in FORMATS:
        raise click.BadParameter(
            f"{output} has a suffix that is none of {', '.join(FORMATS)}", param_hint="--output"
        )
    library = Library(workspace)
    hits = library.recommend(
        user,
        k=k,
        include_played=include_played,
        space=space,
        popularity=popularity,
        versions=versions,
        filters=filters,
        per_artist=per_artist,
        per_album=per_album,
    )
    request: dict[str, object] = {"user": user}
    if output is not None:
        from audiorec.playlist import save_playlist

        file, _, skipped = save_playlist(library, hits, output, format_=suffix, relative=True)
        request["file"] = str(file)
        for line in skipped:
            echo_line(line, err=True)
    echo_hits(
        hits,
        as_json=as_json,
        request=request,
        space=space,
        k=None if filters or per_artist or per_album else k,
        n_tracks=lambda: len(library.catalog),
        stale=library.stale,
        library=library,
    )


def _recommend_session(
    settings: GlobalOptions,
    user: str | None,
    session: tuple[str, ...],
    *,
    k: int,
    include_played: bool,
    space: Space,
    popularity: float,
    as_json: bool,
) -> None:
    """Show tracks that follow a session; with a listener, by rank fusion of both answers."""
    from audiorec.cli.next import embedder, report_unknown
    from audiorec.recommend import join_with_listener
    from audiorec.recommend.rank_fusion import N_FUSED
    from audiorec.sessions import answer_session

    n_ranked = k if user is None else max(k, N_FUSED)
    answer = answer_session(
        settings.workspace, session, k=n_ranked, embed=embedder(settings.workspace)
    )
    report_unknown(answer)
    request: dict[str, object] = {"session": list(session), "model": answer.model}
    hits: list[Hit | SessionHit] = list(answer.hits)
    if user is not None:
        from audiorec.recommend import Library

        library = Library(settings.workspace)
        hits = join_with_listener(
            library,
            answer,
            user,
            k=k,
            include_played=include_played,
            space=space,
            popularity=popularity,
        )
        request = {"user": user, **request}
    echo_hits(
        hits,
        as_json=as_json,
        request=request,
        space="sessions" if user is None else space,
        k=k,
        n_tracks=lambda: answer.n_tracks,
        stale=answer.stale,
    )
