"""The services that get the load: this one, started as the Procfile says, and the baselines."""

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.support.service import PROJECT, environment, free_port, procfile

PLAIN = [sys.executable, "-m", "uvicorn", "bench.baselines.plain:app"]
TUNED = [sys.executable, "-m", "bench.baselines.tuned"]


@dataclass(frozen=True)
class Variant:
    """A checkout of this service and the interpreter that runs it."""

    checkout: Path = PROJECT
    python: Path = Path(sys.executable)

    def environment(self, **settings: str) -> dict[str, str]:
        """Return an environment in which the Procfile's commands use this interpreter."""
        variables = environment(**settings)
        return {**variables, "PATH": f"{self.python.parent}:{variables['PATH']}"}


OURS = Variant()


class Web:
    """A running service."""

    def __init__(
        self,
        name: str,
        command: list[str],
        database_url: str,
        folder: Path,
        variant: Variant = OURS,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"{name}-{self.port}.log"
        if command[1:3] == ["-m", "uvicorn"]:
            command = [*command, "--port", str(self.port)]
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                command,
                cwd=variant.checkout,
                env=variant.environment(PORT=str(self.port), DATABASE_URL=database_url),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.process = psutil.Process(self._popen.pid)
        self._wait_until_ready()

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that serve requests."""
        return self.process.children() or [self.process]

    def stop(self) -> None:
        """Stop it with SIGTERM, as a platform does."""
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(40)
        except subprocess.TimeoutExpired:
            self._popen.kill()

    def _wait_until_ready(self) -> None:
        for _ in range(400):
            if self._popen.poll() is not None:
                break
            try:
                httpx.get(f"{self.url}/api/v1/runs?limit=1").raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        self._popen.kill()
        raise RuntimeError(f"the service does not respond: {self._log.read_text()[-2000:]}")


def start(database_url: str, folder: Path, variant: Variant = OURS) -> Web:
    """Migrate the database and start this service, with the commands of the Procfile."""
    subprocess.run(
        procfile("release"),
        cwd=variant.checkout,
        env=variant.environment(DATABASE_URL=database_url),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return Web("ours", procfile("web"), database_url, folder, variant)
