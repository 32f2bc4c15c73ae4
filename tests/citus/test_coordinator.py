"""What a crash of the coordinator leaves behind."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.citus import Cluster
from tests.support.databases import execute
from tests.support.followers import bodies, followers, pages
from tests.support.rights import serving
from tests.support.service import Service
from tests.support.waiting import wait_until

SEQUENCES = (
    "agent_runs_change_seq",
    "runtime_events_number_seq",
    "os_core.audio_runtime_events_event_id_seq",
    "os_core.audio_runtime_events_feed_seq",
    "audit.audit_events_audit_event_id_seq",
)

NUMBERS = (
    "SELECT event_id, mod(change_number, 100000000000000000) FROM agent_runs",
    "SELECT id, number FROM runtime_events",
    "SELECT idempotency_key, event_id FROM os_core.audio_runtime_events",
    "SELECT idempotency_key, mod(feed_number, 100000000000000000)"
    " FROM os_core.audio_runtime_events",
)


@pytest.fixture
def service(citus: Cluster, tmp_path: Any) -> Iterator[Service]:
    started = Service({"DATABASE_URL": serving(citus.url), "WEB_CONCURRENCY": "1"}, tmp_path)
    yield started
    started.kill()


def store(service: Service, name: str) -> bool:
    """Post a record of each kind; return whether all are stored."""
    put = service.client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    posts = [service.client.post(path, json=body) for path, body in bodies(name).items()]
    return {it.status_code for it in (put, *posts)} <= {200, 201}


def test_numbers_that_its_sequences_have_forgotten_are_not_given_again(
    citus: Cluster, service: Service
) -> None:
    def get(path: str, query: dict[str, Any]) -> Any:
        response = service.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    for number in range(5):
        assert store(service, f"before-{number}")
    following = followers(get)
    pages(following)
    for sequence in SEQUENCES:
        # As if the last numbers had not been flushed.
        execute(citus.url, f"SELECT setval('{sequence}', last_value - 4) FROM {sequence}")
    citus.coordinator.kill()
    citus.coordinator.start()

    wait_until(lambda: store(service, "after"))
    assert set(map(tuple, pages(following).values())) == {("after",)}
    with psycopg.connect(citus.url) as db:
        for query in NUMBERS:
            numbers = dict(db.execute(query).fetchall())
            assert numbers.pop("after") > max(numbers.values()), numbers
    assert service.client.get("/api/ready").status_code == 200
