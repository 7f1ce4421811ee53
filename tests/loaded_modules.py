"""What is loaded in a new process: for tests of what starts light."""

from __future__ import annotations

import subprocess
import sys


def modules_loaded_by(code: str, *arguments: object) -> set[str]:
    """Names of all modules that are loaded once a new process has run the code."""
    script = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)\n"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def modules_loaded_by_command(*arguments: object) -> set[str]:
    """The same of a command that succeeds."""
    code = (
        "import sys\n"
        "sys.argv = ['audiorec', *sys.argv[1:]]\n"
        "from audiorec.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
    )
    return modules_loaded_by(code, *arguments)
