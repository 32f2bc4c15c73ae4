"""Running a command, in this process or in one of its own."""

import os
import subprocess
import sys

from click.testing import CliRunner

from telemetry.cli import main
from tests.support.service import PROJECT, environment


def telemetry(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m telemetry`` in this process, which is faster than starting another.

    ``environ`` sets the variables of the service; all others of them are unset. An exception
    that would end in a traceback is raised.
    """
    unset: dict[str, str | None] = dict.fromkeys(os.environ.keys() - environment().keys())
    done = CliRunner().invoke(main, arguments, env=unset | environ, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def telemetry_process(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m telemetry`` in a process of its own, as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", "telemetry", *arguments],
        cwd=PROJECT,
        env=environment(**environ),
        capture_output=True,
        text=True,
        check=False,
    )
