"""``audiorec serve``: HTTP API, pages and OpenSubsonic from one process; and who may come in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiorec.cli.options import GlobalOptions, PathType, json_option
from audiorec.cli.output import echo_json, echo_line
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
    from audiorec.serve.app import create_app, is_loopback
    from audiorec.serve.run import run_server
    from audiorec.serve.users import load_users, users_file

    users = load_users(users_file(settings.workspace))
    if not users and (how.names or not is_loopback(how.host)):
        what = f"--host {how.host}" if not is_loopback(how.host) else f"--name {how.names[0]}"
        raise ParameterError(
            f"{what} lets others in, and there is no user yet; add one by "
            "'audiorec serve user add NAME'"
        )
    run_server(create_app(settings.workspace, settings=how), how)


@command.group("user")
def user() -> None:
    """Manage the users of the server."""


@user.command("add")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin, one line.")
@click.pass_obj
def add(settings: GlobalOptions, name: str, password_stdin: bool) -> None:
    """Add the user NAME, or change their password.

    The password is stored in plain text, in a file that only you can read, because OpenSubsonic
    players log in by a hash of it. Use a password that you use nowhere else.
    """
    from audiorec.serve.users import add_user, users_file

    settings.workspace.check()
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    new = add_user(users_file(settings.workspace), name, password)
    echo_line(f"{name}: {'added' if new else 'has another password now'}", err=True)


@user.command("list")
@json_option
@click.pass_obj
def list_(settings: GlobalOptions, as_json: bool) -> None:
    """List the users, and how many API keys each has."""
    from audiorec.serve.users import load_users, users_file

    settings.workspace.check()
    users = load_users(users_file(settings.workspace))
    if as_json:
        echo_json([{"name": each.name, "keys": len(each.keys)} for each in users.values()])
        return
    for each in users.values():
        echo_line(f"{each.name}  {len(each.keys)} keys")
    if not users:
        click.echo("there is no user: 'audiorec serve user add NAME'", err=True)


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove(settings: GlobalOptions, name: str) -> None:
    """Remove the user NAME; what they listened to stays ('audiorec forget-user' removes that)."""
    from audiorec.serve.users import remove_user, users_file

    settings.workspace.check()
    remove_user(users_file(settings.workspace), name)
    echo_line(f"{name}: removed", err=True)


@user.command("key")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Revoke all keys of the user.")
@click.pass_obj
def key(settings: GlobalOptions, name: str, revoke: bool) -> None:
    """Create an API key for the user NAME, and print it once."""
    from audiorec.serve.users import add_key, revoke_keys, users_file

    settings.workspace.check()
    file = users_file(settings.workspace)
    if revoke:
        echo_line(f"{name}: {revoke_keys(file, name)} keys taken back", err=True)
    else:
        click.echo(add_key(file, name))
