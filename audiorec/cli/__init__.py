"""The command line: one group, one module per command, each imported when it is called."""

from __future__ import annotations

from audiorec.cli.group import COMMANDS, cli, main

__all__ = ["COMMANDS", "cli", "main"]
