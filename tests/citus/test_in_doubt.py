"""A worker lost between the two phases of a commit hides rows; no follower passes them."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.citus import Cluster
from tests.support.databases import execute
from tests.support.feed import Follower
from tests.support.rights import serving
from tests.support.runs import minimal_run
from tests.support.service import Service
from tests.support.waiting import wait_until

FEEDS = (
    "/api/v1/feed/runs",
    "/api/v1/feed/runtime-events",
    "/api/v1/feed/audio-runtime?tenant_id=tenant-1",
    "/api/v1/feed/runs?after=now",
    "/api/v1/feed/runtime-events?after=now",
    "/api/v1/feed/audio-runtime?tenant_id=tenant-1&after=now",
    "/api/runtime/change-token",
)
# A commit waits here between its two phases, because no such standby exists.
WAIT = {"synchronous_standby_names": "none_such", "synchronous_commit": "on"}
GO_ON = {"synchronous_standby_names": "", "synchronous_commit": "off"}
WAITING = "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND usename <> 'postgres'"


@pytest.fixture
def service(citus: Cluster, tmp_path: Any) -> Iterator[Service]:
    started = Service({"DATABASE_URL": serving(citus.url), "WEB_CONCURRENCY": "1"}, tmp_path)
    yield started
    started.kill()


def configure(url: str, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        execute(url, f"ALTER SYSTEM SET {name} = '{value}'")
    execute(url, "SELECT pg_reload_conf()")


def statuses(service: Service) -> set[int]:
    return {service.client.get(path).status_code for path in FEEDS}


def is_stored(service: Service, name: str) -> bool:
    """Post a run; connections from before the worker was killed give a 503."""
    response = service.client.post("/api/v1/runs", json=minimal_run(name))
    return response.status_code in {200, 201}


def leave_in_doubt(citus: Cluster, service: Service, runs: list[dict[str, Any]]) -> None:
    """Store runs while a worker is killed after it has prepared its part."""
    configure(citus.url, WAIT)
    statuses: list[int] = []

    def post() -> None:
        response = service.client.post("/api/v1/runs/batch", json=runs)
        statuses.append(response.status_code)

    thread = threading.Thread(target=post)
    thread.start()
    with psycopg.connect(citus.url, autocommit=True) as db:
        wait_until(lambda: db.execute(WAITING).rowcount == 1)
    citus.workers[0].kill()
    configure(citus.url, GO_ON)
    thread.join(30)
    citus.workers[0].start()
    assert statuses == [200]


def test_followers_wait_for_its_recovery(citus: Cluster, service: Service) -> None:
    configure(citus.url, {"citus.recover_2pc_interval": "1h"})

    def get(path: str, query: dict[str, Any]) -> Any:
        response = service.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    follower = Follower(get, "/api/v1/feed/runs")
    assert follower.catch_up() == []
    assert statuses(service) == {200}
    hidden = [f"hidden-{number}" for number in range(20)]
    leave_in_doubt(citus, service, [minimal_run(name) for name in hidden])
    # Enough writers to use the lane of the hidden runs again.
    later = [f"later-{number}" for number in range(100)]
    for name in later:
        wait_until(lambda name=name: is_stored(service, name))
    with psycopg.connect(citus.url) as db:
        assert db.execute("SELECT FROM agent_runs").rowcount < len(hidden) + len(later)
    assert statuses(service) == {503}
    assert "in doubt" in service.log

    execute(citus.url, "SELECT recover_prepared_transactions()")
    assert statuses(service) == {200}
    assert {run["event_id"] for run in follower.catch_up()} == {*hidden, *later}
