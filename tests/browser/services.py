"""What the browser opens: the real service with two workers, over databases full and empty."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.service import PROJECT, Service, environment

TOKEN = "the-token-of-the-browser-tests"

Start = Callable[..., Service]


@contextmanager
def services(folder: Path) -> Iterator[Start]:
    """Start services; keyword arguments are environment variables. All end at the end."""
    started: list[Service] = []

    def start(**environ: str) -> Service:
        service = Service({"WEB_CONCURRENCY": "2", **environ}, folder)
        started.append(service)
        return service

    try:
        yield start
    finally:
        for service in started:
            service.kill()


def fill_with_demo(url: str) -> None:
    """Fill an empty database with the month of the demo."""
    subprocess.run(
        [sys.executable, "-m", "telemetry", "demo"],
        cwd=PROJECT,
        env=environment(DATABASE_URL=url),
        check=True,
        capture_output=True,
    )
