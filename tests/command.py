"""The command line as an operator runs it."""

import subprocess
import sys

from tests.service import PROJECT, environment


def telemetry(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m telemetry`` with these environment variables of the service's."""
    return subprocess.run(
        [sys.executable, "-m", "telemetry", *arguments],
        cwd=PROJECT,
        env=environment(**environ),
        capture_output=True,
        text=True,
        check=False,
    )
