"""The command line: one group, one module per command, each imported when it is called.

`COMMANDS` lists them; ``stages`` holds the commands of the stages. Shared code, not commands:
``entry_point``, ``lazy_group``, ``default_group``, ``options``, ``query_options``,
``study_options``, ``imports_without_gc``, ``batch_queries``, ``answers``,
``output`` and ``progress_line``. A command imports its dependencies inside its function, so that
``--help`` loads none of them.
"""

from __future__ import annotations

import signal
import threading

# Until `main` can report it in one line, Ctrl-C ends the process silently.
_is_main = threading.current_thread() is threading.main_thread()
_before = signal.signal(signal.SIGINT, signal.SIG_DFL) if _is_main else None
try:
    from audiorec.cli.entry_point import cli, main
    from audiorec.cli.lazy_group import COMMANDS
finally:
    if _before is not None:
        signal.signal(signal.SIGINT, _before)

__all__ = ["COMMANDS", "cli", "main"]
