"""The entry point of the command line: the group with its options, and error handling."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from audiorec import __version__
from audiorec.cli.lazy_group import LazyGroup
from audiorec.cli.options import GlobalOptions, PathType
from audiorec.cli.output import echo_line, echo_notice, escape_unencodable_output
from audiorec.distributed import process_group
from audiorec.exceptions import AmbiguousNameError, AudiorecError
from audiorec.printable_text import bounded, one_line


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-w",
    "--workspace",
    type=PathType(file_okay=True, path_type=Path),
    envvar="AUDIOREC_WORKSPACE",
    show_envvar=True,
    help="Directory for all data. [default: the platform's user data folder]",
)
@click.option("-v", "--verbose", is_flag=True, help="Print more details on stderr.")
@click.version_option(__version__, prog_name="audiorec")
@click.pass_context
def cli(ctx: click.Context, workspace: Path | None, verbose: bool) -> None:
    """Recommend music by listening to the audio, also tracks that nobody has played yet.

    A first run: scan MUSIC, plays FILE, run, similar TRACK.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        stream=sys.stderr,
        format="%(name)s: %(message)s",
    )
    ctx.obj = GlobalOptions(workspace, verbose=verbose)
    if process_group().size > 1 and ctx.invoked_subcommand != "train":
        raise click.UsageError(
            f"torchrun is for 'audiorec train'; run 'audiorec {ctx.invoked_subcommand}' without it"
        )


def main() -> None:
    """Run the command line; a known error prints one line on stderr and exits with 1."""
    escape_unencodable_output(sys.stdout, sys.stderr)
    # Before torch is imported. By default its threads spin while they wait for each other: on a
    # busy machine, that costs ten times the processor time of the work itself.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        sys.exit(cli(prog_name="audiorec", standalone_mode=False))
    except click.exceptions.Abort:
        click.echo(
            "\naudiorec: interrupted; finished work is kept, the same command continues", err=True
        )
        sys.exit(130)
    except click.ClickException as error:
        vars(error)["message"] = bounded(one_line(error.message))
        error.show()
        sys.exit(error.exit_code)
    except AmbiguousNameError as error:
        echo_notice(str(error))
        for candidate in error.candidates:
            echo_line(f"  {candidate}", err=True)
        sys.exit(1)
    except AudiorecError as error:
        echo_notice(str(error))
        sys.exit(1)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        echo_notice(
            f"{where}{error.strerror}; stored data is intact: make room or check "
            "permissions, and run the same command again"
        )
        sys.exit(1)
