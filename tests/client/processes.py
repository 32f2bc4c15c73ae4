"""Processes with a client: some die, some end, and what each leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

from tests.support.service import PROJECT, environment

DIE = """
import os, signal, sys
from telemetry.client import TelemetryClient
client = TelemetryClient("{url}", agent_name="dying", spool_dir="{spool}", strict=True)
{body}
os.kill(os.getpid(), signal.SIGKILL)
"""


def die(spool, body, url="http://127.0.0.1:1", python=sys.executable, **environ):
    """Run code with a client in a process that kills itself."""
    script = DIE.format(url=url, spool=spool, body=body)
    done = subprocess.run(
        [python, "-c", script],
        env=environment(PYTHONPATH=str(PROJECT), **environ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


def files(client, pattern="*"):
    return sorted(client.spool_folder.glob(pattern))


def run_ids(stub):
    return [record["run_id"] for request in stub.requests for record in request.records]


def older_python():
    """Return the oldest Python that the client supports, if it is installed."""
    done = subprocess.run(
        ["python3.9", "-c", "import sys; print(sys.executable)"],
        env={**os.environ, "PYENV_VERSION": "3.9"},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() if done.returncode == 0 else None


PYTHONS = [sys.executable]
if shutil.which("python3.9") and (older := older_python()):
    PYTHONS.append(older)


def spooled(tmp_path, kind="end"):
    """Return the records of a kind that wait in the spool."""
    lines = [
        json.loads(line)
        for file in sorted((tmp_path / "spool").glob("*/*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    return [line[kind] for line in lines if kind in line]


PROLOGUE = """
import os, signal, sys, threading, time, multiprocessing
from telemetry.client import TelemetryClient
client = TelemetryClient("{url}", agent_name="agent", spool_dir="{spool}", strict=True)
"""


def run_script(tmp_path, url, body, python=sys.executable, timeout=20):
    """Run a script with a client; return how many seconds it took, and what it printed."""
    script = PROLOGUE.format(url=url, spool=tmp_path / "spool") + body
    begun = time.monotonic()
    done = subprocess.run(
        [python, "-c", script],
        env=environment(PYTHONPATH=str(PROJECT)),
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun, done.stdout
