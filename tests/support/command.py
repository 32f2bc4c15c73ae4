"""The command line: as an operator runs it, and sooner."""

import os
import subprocess
import sys

from click.testing import CliRunner

from telemetry.cli import main
from tests.support.service import PROJECT, environment


def telemetry(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m telemetry`` in this process; what would end in a traceback is raised.

    ``environ`` are all of the service's variables that are set.
    """
    unset: dict[str, str | None] = dict.fromkeys(os.environ.keys() - environment().keys())
    done = CliRunner().invoke(main, arguments, env=unset | environ, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def telemetry_process(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "telemetry", *arguments],
        cwd=PROJECT,
        env=environment(**environ),
        capture_output=True,
        text=True,
        check=False,
    )
