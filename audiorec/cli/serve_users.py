"""``audiorec serve user``: the users of the server, and their API keys."""

from __future__ import annotations

import sys

import click

from audiorec.cli.options import GlobalOptions, json_option
from audiorec.cli.output import echo_json, echo_line


@click.group("user")
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
    from audiorec.serve import add_user, users_file

    settings.workspace.check()
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    new = add_user(users_file(settings.workspace), name, password)
    echo_line(f"{name}: {'added' if new else 'has a new password'}", err=True)


@user.command("list")
@json_option
@click.pass_obj
def list_(settings: GlobalOptions, as_json: bool) -> None:
    """List the users, and how many API keys each has."""
    from audiorec.serve import load_users, users_file

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
    from audiorec.serve import remove_user, users_file

    settings.workspace.check()
    remove_user(users_file(settings.workspace), name)
    echo_line(f"{name}: removed", err=True)


@user.command("key")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Revoke all keys of the user.")
@click.pass_obj
def key(settings: GlobalOptions, name: str, revoke: bool) -> None:
    """Create an API key for the user NAME, and print it once."""
    from audiorec.serve import add_key, revoke_keys, users_file

    settings.workspace.check()
    file = users_file(settings.workspace)
    if revoke:
        echo_line(f"{name}: {revoke_keys(file, name)} keys revoked", err=True)
    else:
        click.echo(add_key(file, name))
