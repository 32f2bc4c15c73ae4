"""Clients with spools of their own, and the service that they report to."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry.client import TelemetryClient
from telemetry.client.sending.transport import Token
from tests.support.rights import serving
from tests.support.service import PROJECT, Service, environment, free_port


@pytest.fixture(scope="session")
def default_service(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Service]]:
    """The service over a database, the same for all its tests: its start takes longer than most."""
    services: dict[str, Service] = {}

    def default(url: str) -> Service:
        if url not in services:
            folder = tmp_path_factory.mktemp("service")
            services[url] = Service({"DATABASE_URL": serving(url), "WEB_CONCURRENCY": "1"}, folder)
        return services[url]

    yield default
    for service in services.values():
        service.kill()


@pytest.fixture
def service(default_service: Callable[[str], Service], database_url: str) -> Service:
    """A service over the test's database."""
    return default_service(database_url)


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Callable[..., TelemetryClient]]:
    """Make clients of a service, by default one that does not exist; their spool is in tmp_path."""
    clients: list[TelemetryClient] = []
    nowhere = f"http://127.0.0.1:{free_port()}"

    def make(url: str = nowhere, token: Token = None, **settings: Any) -> TelemetryClient:
        defaults = {"agent_name": "tester", "spool_dir": tmp_path / "spool", "strict": True}
        client = TelemetryClient(url, token, **{**defaults, **settings})
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close(0)


@pytest.fixture
def start_wrapper(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the wrapper with a shell script as its command."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(
        script: str,
        *options: str,
        url: str = "http://127.0.0.1:9",
        python: str = sys.executable,
        command: list[str] | None = None,
        **settings: Any,
    ) -> subprocess.Popen[bytes]:
        environ = settings.pop("environ", {})
        command = command or ["sh", "-c", script]
        process = subprocess.Popen(
            [python, "-m", "telemetry.client", "run", *options, "--", *command],
            env=environment(
                PYTHONPATH=str(PROJECT),
                TELEMETRY_API_URL=url,
                TELEMETRY_SPOOL_DIR=str(tmp_path / "spool"),
                **environ,
            ),
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **settings,
            },
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run_wrapper(start_wrapper: Callable[..., Any]) -> Callable[..., tuple[int, bytes, bytes]]:
    """Run it to its end; return exit status, output and errors."""

    def run(*arguments: str, **settings: Any) -> tuple[int, bytes, bytes]:
        process = start_wrapper(*arguments, **settings)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    return run
