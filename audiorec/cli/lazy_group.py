"""The table of the commands, and the group that imports each one's module when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from audiorec.cli.options import GlobalOptions
from audiorec.exceptions import ArtifactError, AudiorecError

COMMANDS = {
    "demo": "generate a demo world of music and listeners",
    "scan": "add audio files to the catalogue",
    "plays": "import listening from any export",
    "dataset": "import a research data set",
    "feedback": "like or dislike a track",
    "forget-user": "remove a listener",
    "mel": "compute log-mel spectrograms",
    "factors": "factorise the plays",
    "train": "train the network",
    "embed": "predict vectors from sound",
    "index": "index the vectors",
    "sessions": "learn what is played next",
    "map": "place all tracks on a map",
    "run": "run every stage that is stale",
    "add": "add new files without retraining",
    "tags": "tag tracks by their sound",
    "find": "find tracks by name",
    "descriptors": "measure tempo, key and loudness",
    "similar": "show a track's nearest tracks",
    "recommend": "recommend tracks to a listener",
    "next": "show what to play next",
    "playlist": "write a playlist",
    "playlists": "manage saved playlists",
    "explain": "explain why two tracks match",
    "exclude": "hide tracks from every answer",
    "serve": "serve web pages, an API and OpenSubsonic",
    "evaluate": "evaluate on held-out artists",
    "pretrained": "download pretrained networks",
    "export": "write vectors to Parquet",
    "import": "import vectors computed elsewhere",
    "status": "show what the workspace contains",
    "doctor": "check the workspace for damage",
}
MODULES = {
    "import": "import_embeddings",
    "forget-user": "forget_user",
}  # where the command's name cannot be the module's
STAGE_COMMANDS = ("mel", "factors", "train", "embed", "index", "sessions", "map")


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in workflow order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in STAGE_COMMANDS:
            from audiorec.cli.stages import stage_command

            return stage_command(cmd_name)
        module = importlib.import_module(f"audiorec.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does, and suggest the nearest name for an unknown command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke as click does; an unexpected error is explained by damaged artifacts, if any.

        Answers check only the sizes of stored files when opening them, since reading every byte
        would take longer than answering. So a flipped bit can surface as any error at all.
        """
        try:
            return super().invoke(ctx)
        except (AudiorecError, OSError, click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:
            damage = damage_of(ctx.obj)
            if not damage:
                raise
            raise ArtifactError(damage[0]) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List every command from the table above, so that ``--help`` imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def damage_of(settings: GlobalOptions | None) -> list[str]:
    """Return a line for each damaged part of the workspace; none without a workspace."""
    from audiorec.pipeline.workspace_integrity import damage

    if settings is None or not settings.workspace.root.is_dir():
        return []
    return damage(settings.workspace)
