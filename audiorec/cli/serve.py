"""``audiorec serve``: HTTP API, pages and OpenSubsonic from one process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.options import GlobalOptions, PathType
from audiorec.cli.serve_users import user
from audiorec.exceptions import EngineError, ParameterError

if TYPE_CHECKING:
    from audiorec.serve import ServeSettings


@click.group("serve", invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8337,
    show_default=True,
    help="0: any free port.",
)
@click.option(
    "--music",
    multiple=True,
    type=PathType(exists=True, file_okay=False, path_type=Path),
    help="Folder that may be scanned from the page, beside those with tracks; repeatable.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Host name of the server, such as music.example.org; repeatable. Addresses and "
    "localhost are always accepted.",
)
@click.pass_context
def command(
    ctx: click.Context, host: str, port: int, music: tuple[Path, ...], names: tuple[str, ...]
) -> None:
    """Serve the workspace: web pages, an HTTP API, and OpenSubsonic for music players.

    On 127.0.0.1 it is open to everyone on this machine, as the listener "me". Another address, a
    host name and music players need a user: 'audiorec serve user add NAME'.
    """
    if ctx.invoked_subcommand is not None:
        return
    settings: GlobalOptions = ctx.obj
    settings.workspace.check()
    try:
        from audiorec.serve import ServeSettings
    except ModuleNotFoundError as error:
        raise EngineError(
            f"{error.name} is not installed; it comes with the extra 'serve': "
            "pip install '.[serve]'"
        ) from None
    _serve(settings, ServeSettings(host=host, port=port, music=music, names=names))


def _serve(settings: GlobalOptions, how: ServeSettings) -> None:
    from audiorec.serve import create_app, is_loopback, load_users, run_server, users_file

    users = load_users(users_file(settings.workspace))
    if not users and (how.names or not is_loopback(how.host)):
        what = f"--host {how.host}" if not is_loopback(how.host) else f"--name {how.names[0]}"
        raise ParameterError(
            f"{what} admits other machines, and there is no user yet; add one with "
            "'audiorec serve user add NAME'"
        )
    run_server(create_app(settings.workspace, settings=how), how)


command.add_command(user)
