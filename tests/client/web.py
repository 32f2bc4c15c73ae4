"""Web applications with middleware, and what the service knows of them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.service import PROJECT, Service, environment, free_port
from tests.support.waiting import wait_until


def example(name: str) -> Path:
    """Return the file of an example."""
    return PROJECT / "docs" / "examples" / f"{name}.py"


@contextmanager
def serve(command: list[str], service_url: str, folder: Path) -> Iterator[str]:
    """Run a server of an example; yield its URL. ``{port}`` in the command is its port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"TELEMETRY_API_URL": service_url, "TELEMETRY_SPOOL_DIR": str(folder / "spool")}
    log = folder / "example.log"
    with log.open("wb") as opened:
        process = subprocess.Popen(
            [each.format(port=port) for each in command],
            cwd=example("flask_app").parent,
            env=environment(PYTHONPATH=str(PROJECT), PYTHONDONTWRITEBYTECODE="1", **settings),
            stdout=opened,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: is_alive(url, process, log), 30)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def is_alive(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def endpoints(service: Service, expected: set[str]) -> dict[str, Any]:
    """Return the endpoints of the summary by name, as soon as these are among them."""
    found: dict[str, Any] = {}

    def are_found() -> bool:
        response = service.client.get("/api/runtime/endpoints/summary").json()
        found.update({each["endpoint"]: each for each in response["endpoints"]})
        return found.keys() >= expected

    wait_until(are_found, 20)
    return found
