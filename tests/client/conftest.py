"""Clients with spools of their own, and the service that they report to."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry.client import TelemetryClient
from telemetry.client.transport import Token
from tests.support.service import Service, free_port


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    """A service over the test's database."""
    return start_service(WEB_CONCURRENCY="1")


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
