"""The service as it runs in production: the Procfile's web process."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import httpx
import psutil

PROJECT = Path(__file__).resolve().parents[2]

OURS = (
    "DATABASE_URL",
    "RUNTIME_",
    "PERSISTENCE_",
    "GLOBAL_",
    "TELEMETRY_",
    "_TELEMETRY_",
    "WEB_CONCURRENCY",
    "LOG_LEVEL",
)


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with none of the service's variables but ``settings``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    path = f"{Path(sys.executable).parent}:{inherited['PATH']}"
    return {**inherited, "PATH": path, **settings}


def procfile(process: str) -> list[str]:
    """Return the command of a process of the Procfile."""
    lines = (PROJECT / "Procfile").read_text().splitlines()
    commands = dict(line.split(": ", 1) for line in lines)
    return shlex.split(commands[process])


class Service:
    """A running web process with its workers, on a port of its own."""

    def __init__(self, environ: dict[str, str], folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = folder / f"service-{self.port}.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                procfile("web"),
                cwd=PROJECT,
                env=environment(PORT=str(self.port), **environ),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.client = httpx.Client(base_url=self.url, timeout=40)
        self._wait_until_alive()

    @property
    def log(self) -> str:
        """Everything it has logged so far."""
        return self.log_file.read_text()

    def workers(self) -> set[int]:
        """Return the process ids of the workers that live."""
        return {it.pid for it in psutil.Process(self.process.pid).children()}

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and return its exit status; does nothing when it has ended."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(40)

    def kill(self) -> None:
        """End all of its processes at once, where nobody cares how it ends."""
        self.client.close()
        if self.process.poll() is None:
            arbiter = psutil.Process(self.process.pid)
            processes = [*arbiter.children(recursive=True), arbiter]
            arbiter.suspend()  # so that it replaces no worker
            for process in processes:
                process.kill()
        self.process.wait(40)

    def _wait_until_alive(self) -> None:
        for _ in range(400):
            if self.process.poll() is not None:
                raise AssertionError(f"the service ended: {self.log}")
            try:
                self.client.get("/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the service does not answer: {self.log}")


# Below the ports that the system gives to clients, so that no connection takes a port before the
# service does. Each process begins elsewhere.
_ports = cycle(range(10_000, 30_000))
for _ in range(os.getpid() * 97 % 20_000):
    next(_ports)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
    raise AssertionError("no port is free")
