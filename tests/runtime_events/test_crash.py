"""An event outlives a killed worker and a stopped database once its post has succeeded."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import psycopg
import pytest

from tests.support.runtime_events import URL, minimal_event
from tests.support.server import Server
from tests.support.waiting import wait_until, wait_until_ready

pytestmark = pytest.mark.faults

# Run it with EVENTS=10000 now and then.
EVENTS = int(os.environ.get("EVENTS", "800"))
PATIENCE = 60 + EVENTS / 20


class Load:
    """Programs that post events one after the other, each on its own connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: dict[str, int] = {}
        self.ended = False

    @contextmanager
    def running(self, programs: int, events: int) -> Iterator[None]:
        """Post until the block ends or ``events`` have been posted."""
        with ThreadPoolExecutor(programs) as pool:
            shares = [range(first, events, programs) for first in range(programs)]
            posting = [pool.submit(self._post, share) for share in shares]
            try:
                yield
            finally:
                self.ended = True
            for it in posting:
                it.result()

    @property
    def succeeded(self) -> list[str]:
        """The ids of the events whose post succeeded."""
        return [it for it, status in self.statuses.copy().items() if status in (200, 201)]

    def _post(self, numbers: range) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            for number in numbers:
                if self.ended:
                    return
                event = minimal_event(id=f"event-{number}", metadata={"text": "x" * 200})
                try:
                    self.statuses[event["id"]] = client.post(URL, json=event).status_code
                except httpx.TransportError:
                    self.statuses[event["id"]] = 0


def test_no_event_is_lost_when_a_worker_is_killed(start_service, events_file):
    service = start_service(
        DATABASE_URL="", RUNTIME_EVENTS_PATH=str(events_file), WEB_CONCURRENCY="4"
    )
    load = Load(service.url)
    with load.running(programs=8, events=EVENTS):
        for part in (1, 2, 3):
            wait_until(lambda part=part: len(load.succeeded) > EVENTS * part / 5, PATIENCE)
            workers = psutil.Process(service.process.pid).children()
            os.kill(workers[0].pid, signal.SIGKILL)
        wait_until(lambda: len(load.statuses) == EVENTS, PATIENCE)
    lines = events_file.read_bytes().splitlines()
    ids = [event["id"] for line in lines if (event := parsed(line))]
    assert len(lines) - len(ids) <= 3  # one for each kill
    assert len({*ids}) == len(ids)
    assert {*load.succeeded} <= {*ids}
    assert len(load.succeeded) > EVENTS * 0.9
    again = service.client.post(URL, json=minimal_event(id=load.succeeded[0]))
    assert again.status_code == 200


def parsed(line: bytes) -> dict[str, object] | None:
    try:
        return json.loads(line)
    except ValueError:
        return None


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_no_event_is_lost_when_the_database_restarts(start_service, server, events_file, end):
    service = start_service(
        DATABASE_URL=server.url, RUNTIME_EVENTS_PATH=str(events_file), WEB_CONCURRENCY="2"
    )
    assert service.client.get("/api/ready").status_code == 200
    load = Load(service.url)
    with load.running(programs=6, events=1_000_000):
        wait_until(lambda: len(load.succeeded) > 100)
        end(server)
        wait_until(lambda: service.client.get("/api/ready").status_code == 503)
        wait_until(lambda: 503 in [*load.statuses.values()][-20:])
        before = len(load.succeeded)
        server.start()
        wait_until_ready(service.client)
        wait_until(lambda: len(load.succeeded) > before + 100)
    with psycopg.connect(server.url) as connection:
        kept = {row[0] for row in connection.execute("SELECT id FROM runtime_events")}
    assert {*load.succeeded} <= kept
    assert {*load.statuses.values()} == {201, 503}
    assert not events_file.exists()


def test_a_request_gets_retry_after_while_the_database_is_down(start_service, tmp_path):
    service = start_service(
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere",
        RUNTIME_EVENTS_PATH=str(tmp_path / "events"),
    )
    response = service.client.post(URL, json=minimal_event())
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert not (tmp_path / "events").exists()
