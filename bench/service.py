"""The services that are loaded: ours as the Procfile says, and the baselines."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from tests.support.service import PROJECT, environment, free_port, procfile

PLAIN = [sys.executable, "-m", "uvicorn", "bench.baselines.plain:app"]
TUNED = [sys.executable, "-m", "bench.baselines.tuned"]


class Web:
    """A running service."""

    def __init__(
        self,
        name: str,
        command: list[str],
        database_url: str,
        folder: Path,
        project: Path = PROJECT,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"{name}-{self.port}.log"
        if command[1:3] == ["-m", "uvicorn"]:
            command = [*command, "--port", str(self.port)]
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                command,
                cwd=project,
                env=environment(PORT=str(self.port), DATABASE_URL=database_url),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.process = psutil.Process(self._popen.pid)
        self._wait_until_alive()

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        return self.process.children() or [self.process]

    def stop(self) -> None:
        """End it as a platform does."""
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(40)
        except subprocess.TimeoutExpired:
            self._popen.kill()

    def _wait_until_alive(self) -> None:
        for _ in range(400):
            if self._popen.poll() is not None:
                break
            try:
                httpx.get(f"{self.url}/api/v1/runs?limit=1").raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        self._popen.kill()
        raise RuntimeError(f"the service does not answer: {self._log.read_text()[-2000:]}")


def ours(database_url: str, folder: Path, checkout: Path | None = None) -> Web:
    """Migrate and start this service with the commands of the Procfile, or another checkout's."""
    project = checkout or PROJECT
    subprocess.run(
        procfile("release"),
        cwd=project,
        env=environment(DATABASE_URL=database_url),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return Web("ours", procfile("web"), database_url, folder, project)
