"""``audiorec next``: recommend the next track of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audiorec.cli.answers import echo_hits
from audiorec.cli.options import GlobalOptions, json_option, k_option

if TYPE_CHECKING:
    from pathlib import Path

    from audiorec.data.catalog import Catalog
    from audiorec.sessions import SessionAnswer, SessionTrack
    from audiorec.sessions.session_answer import EmbedFile
    from audiorec.workspace import Workspace

MODELS = ("auto", "gru4rec", "vsknn", "sknn", "rules", "popularity")


@click.command("next")
@click.argument("tracks", nargs=-1, metavar="TRACK_OR_FILE...")
@k_option
@click.option(
    "--skipped",
    "skipped",
    multiple=True,
    metavar="TRACK",
    help="A track that was skipped, among TRACKs or after them; repeatable.",
)
@click.option(
    "--without-audio",
    is_flag=True,
    help="Include tracks known from listening alone. [default: only if there is no audio]",
)
@click.option(
    "--model",
    type=click.Choice(MODELS),
    default="auto",
    show_default=True,
    help="auto: the model that predicted the last week's sessions best.",
)
@json_option
@click.pass_obj
def command(
    settings: GlobalOptions,
    tracks: tuple[str, ...],
    k: int,
    skipped: tuple[str, ...],
    without_audio: bool,
    model: str,
    as_json: bool,
) -> None:
    """Show what to play after TRACKs: the session so far, oldest first.

    Tracks are named as for 'similar'; a file outside the catalogue is analysed first. The answer
    contains none of them, and none that was skipped.
    """
    if not tracks and not skipped:
        raise click.UsageError("Name the tracks of the session, oldest first.")
    from audiorec.sessions import answer_session

    settings.workspace.check()
    answer = answer_session(
        settings.workspace,
        tracks,
        skipped=skipped,
        k=k,
        model=model,
        without_audio=without_audio,
        embed=embedder(settings.workspace),
    )
    report_unknown(answer)
    echo_hits(
        answer.hits,
        as_json=as_json,
        request={"session": list(tracks), "skipped": list(skipped), "model": answer.model},
        space="sessions",
        k=k,
        n_tracks=lambda: answer.n_tracks,
        stale=answer.stale,
    )


def embedder(workspace: Workspace) -> EmbedFile:
    """Return a function that embeds uncatalogued files; it loads the model at its first call."""

    def embed(path: Path, catalog: Catalog) -> SessionTrack:
        # Decoding and torch are needed only for uncatalogued files.
        from audiorec.index import IndexWatcher
        from audiorec.recommend import embed_file
        from audiorec.sessions import SessionTrack

        index = IndexWatcher(workspace).open()
        file = embed_file(path, workspace=workspace, catalog=catalog, index=index)
        if file.duplicate_of is not None:
            return SessionTrack(file.duplicate_of)
        return SessionTrack(str(path), vector=file.vector)

    return embed


def report_unknown(answer: SessionAnswer) -> None:
    """Report on stderr the tracks of the session that the answer does not use."""
    if answer.unknown:
        names = ", ".join(answer.unknown[:3])
        count = "1 track" if len(answer.unknown) == 1 else f"{len(answer.unknown)} tracks"
        click.echo(f"{count} unknown to {answer.model} passed over: {names}", err=True)
    if answer.n_earlier:
        click.echo(f"the {answer.n_earlier} earliest tracks of the session do not count", err=True)
