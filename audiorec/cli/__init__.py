"""The command line: one group, one module per command, each imported when it is called.

`COMMANDS` names them; ``stages`` has those of the stages. No commands, but what they share, are
``entry_point``, ``lazy_group``, ``default_group``, ``options``, ``filters``, ``study_options``,
``fast_imports``, ``batch_queries``, ``answers``, ``output`` and ``progress_line``.
What a command needs is imported in its function: ``--help`` needs none of it.
"""

from __future__ import annotations

import signal
import threading

# Until there is a `main` to say so in one line, Ctrl-C ends the process without a word.
_is_main = threading.current_thread() is threading.main_thread()
_before = signal.signal(signal.SIGINT, signal.SIG_DFL) if _is_main else None
try:
    from audiorec.cli.entry_point import cli, main
    from audiorec.cli.lazy_group import COMMANDS
finally:
    if _before is not None:
        signal.signal(signal.SIGINT, _before)

__all__ = ["COMMANDS", "cli", "main"]
