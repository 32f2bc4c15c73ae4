"""A transaction becomes visible on one worker after the other; no follower passes a part of it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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

WRITE = """
    INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, status, start_time)
    SELECT %s || n, 'run-1', 'agent-1', 'job', 'success', now() FROM generate_series(1, 20) AS n
"""
WRITE_EVENTS = """
    INSERT INTO runtime_events (
        id, recorded_at, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate
    )
    SELECT %s || n, now(), 'api', '/a', '/a', 1, 0 FROM generate_series(1, 20) AS n
"""
# No such standby exists, so a commit waits between its two phases.
WAIT = "ALTER SYSTEM SET synchronous_standby_names = 'none_such'"
GO_ON = "ALTER SYSTEM RESET synchronous_standby_names"
WAITS = (
    "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'"
)
# The processes of a worker that have prepared, and wait for the second phase.
PREPARED = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'PREPARE TRANSACTION%'"


@pytest.fixture
def service(citus: Cluster, tmp_path: Any) -> Iterator[Service]:
    execute(citus.url, "ALTER SYSTEM SET citus.recover_2pc_interval = '1h'")
    execute(citus.url, "SELECT pg_reload_conf()")
    started = Service({"DATABASE_URL": serving(citus.url), "WEB_CONCURRENCY": "1"}, tmp_path)
    yield started
    started.kill()


@pytest.fixture
def follower(service: Service) -> Follower:
    """A follower of the feed of runs that has seen all of them."""

    def get(path: str, query: dict[str, Any]) -> Any:
        response = service.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    following = Follower(get, "/api/v1/feed/runs")
    following.catch_up()
    return following


@contextmanager
def between_two_phases(citus: Cluster, prefix: str) -> Iterator[threading.Thread]:
    """Store runs and events in a thread, with the block between the two phases of the commit."""

    def write() -> None:
        with psycopg.connect(citus.url) as db:
            db.execute("SET synchronous_commit = on")
            db.execute(WRITE, [prefix])
            db.execute(WRITE_EVENTS, [prefix])

    execute(citus.url, WAIT)
    execute(citus.url, "SELECT pg_reload_conf()")
    writer = threading.Thread(target=write)
    writer.start()
    with psycopg.connect(citus.url, autocommit=True) as db:
        wait_until(lambda: db.execute(WAITS).rowcount == 1)
    yield writer
    execute(citus.url, GO_ON)
    execute(citus.url, "SELECT pg_reload_conf()")


def names(prefix: str) -> set[str]:
    return {f"{prefix}{number}" for number in range(1, 21)}


def ids(items: list[dict[str, Any]]) -> set[str]:
    return {item["event_id"] for item in items}


def is_stored(service: Service, name: str) -> bool:
    """Post a run; connections from before a worker was killed give a 503."""
    response = service.client.post("/api/v1/runs", json=minimal_run(name))
    return response.status_code in {200, 201}


def token(service: Service) -> str:
    return str(service.client.get("/api/runtime/change-token").json()["token"])


def test_a_worker_that_commits_later(citus: Cluster, service: Service, follower: Follower) -> None:
    with between_two_phases(citus, "late"):
        with psycopg.connect(citus.workers[0].url) as worker:
            stopped = [pid for (pid,) in worker.execute(PREPARED)]
        assert stopped
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
    try:
        with psycopg.connect(citus.url, autocommit=True) as db:
            seen = "SELECT FROM agent_runs WHERE event_id LIKE 'late%'"
            wait_until(lambda: db.execute(seen).rowcount > 0)
            assert db.execute(seen).rowcount < 20
        assert follower.catch_up() == []
        before = token(service)
        # Other lanes are free.
        assert is_stored(service, "meanwhile")
        assert ids(follower.catch_up()) == {"meanwhile"}
        now = service.client.get("/api/v1/feed/runs", params={"after": "now"})
        assert now.status_code == 503
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    with psycopg.connect(citus.url, autocommit=True) as db:
        wait_until(lambda: db.execute(seen).rowcount == 20)
    assert ids(follower.catch_up()) == names("late")
    assert token(service) != before


def test_a_worker_that_is_lost_meanwhile(
    citus: Cluster, service: Service, follower: Follower
) -> None:
    with between_two_phases(citus, "lost") as writer:
        citus.workers[0].kill()
    writer.join(30)
    citus.workers[0].start()
    # Enough writers to use the lane of the hidden runs again.
    later = [f"later-{number}" for number in range(100)]
    for name in later:
        wait_until(lambda name=name: is_stored(service, name))
    with psycopg.connect(citus.url) as db:
        assert db.execute("SELECT FROM agent_runs WHERE event_id LIKE 'lost%'").rowcount < 20
    assert follower.catch_up() == []
    before = token(service)
    for path in (
        "/api/v1/feed/runtime-events?after=now",
        "/api/v1/feed/runs?after=now",
    ):
        assert service.client.get(path).status_code == 503

    execute(citus.url, "SELECT recover_prepared_transactions()")
    assert ids(follower.catch_up()) == names("lost") | {*later}
    assert token(service) != before
