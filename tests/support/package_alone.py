"""``make test-package``: installs the package into an empty environment, as an agent's author does.

It has to bring no other package, and the client has to work there. The oldest Python that the
client supports is used if it is installed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.service import PROJECT

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
NEEDED = ("telemetry", "pyproject.toml", "requirements.txt", "LICENSE")

USE = """
import sys, telemetry.client
client = telemetry.client.TelemetryClient("http://127.0.0.1:9", spool_dir=sys.argv[1], strict=True)
with client.track_run("agent", "job") as run:
    run.set_metrics(items_discovered=1)
assert client.counters["appended"] == 3
"""


def main() -> None:
    """Install and use it. Exits with a message when something else came along."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for needed in NEEDED:  # building writes into the source
            copy = shutil.copytree if (PROJECT / needed).is_dir() else shutil.copy
            (folder / "source").mkdir(exist_ok=True)
            copy(PROJECT / needed, folder / "source" / needed)
        python = folder / "venv" / "bin" / "python"
        subprocess.run([interpreter(), "-m", "venv", folder / "venv"], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", folder / "source"], check=True)
        listed = subprocess.check_output([*pip, "list", "--format", "json"])
        found = {package["name"] for package in json.loads(listed)}
        if others := found - {"telemetry", "pip", "setuptools", "wheel"}:
            sys.exit(f"the package brings others: {', '.join(sorted(others))}")
        subprocess.run([python, "-c", USE, folder / "spool"], cwd=folder, check=True)
        server = subprocess.run(
            [python, "-m", "telemetry", "serve"], cwd=folder, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if server.returncode != 1 or len(server.stderr.splitlines()) != 1:
            sys.exit(f"the server does not say in one line why it cannot start: {server.stderr}")
        print(server.stderr, end="")


def interpreter() -> str:
    """Return the path of the oldest Python that is installed."""
    for version in VERSIONS:
        try:
            found = subprocess.run(
                [f"python{version}", "-c", "import ensurepip, sys; print(sys.executable)"],
                env={**os.environ, "PYENV_VERSION": version},
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            continue
        if found.returncode == 0:
            return found.stdout.strip()
    return sys.executable


if __name__ == "__main__":
    main()
