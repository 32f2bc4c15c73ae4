"""A request ends in time, however many calls of the database it makes."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf

import psycopg
import pytest

from telemetry import time_limits
from telemetry.database.batch_insert import PART
from telemetry.payloads.body import read_document
from tests.support.runs import minimal_run
from tests.support.waiting import locks_awaited, wait_until

LOCKED = (
    "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)"
    " VALUES (%s, 'run-1', 'agent-a', 'crawl', now())"
)


@pytest.fixture
def lock(database_url):
    """Return a function that creates a run and leaves open whether it will be there."""
    opened = []

    def one(event_id):
        opened.append(psycopg.connect(database_url))
        opened[-1].execute(LOCKED, [event_id])
        return opened[-1]

    yield one
    for connection in opened:
        connection.close()


def test_the_waits_of_a_request_end_together(monkeypatch, client, db, lock):
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 2)
    runs = [minimal_run(f"e{number:05}") for number in range(PART + 1)]
    first, second = lock("e00000"), lock(f"e{PART:05}")
    with ThreadPoolExecutor(1) as clients:
        began = time.monotonic()
        post = clients.submit(client.post, "/api/v1/runs/batch", json=runs)
        wait_until(lambda: locks_awaited(second) > 0)
        time.sleep(1)
        first.rollback()
        answer = post.result()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert time.monotonic() - began < 3
    assert db.execute("SELECT count(*) FROM agent_runs").fetchone() == {"count": 0}


def test_the_next_request_has_its_own_time(monkeypatch, client, lock):
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 0.5)
    with lock("e1"):
        assert client.post("/api/v1/runs", json=minimal_run("e1")).status_code == 503
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 5)
    assert client.post("/api/v1/runs", json=minimal_run("e2")).status_code == 201


def test_when_its_time_is_over_it_asks_no_more(monkeypatch, client, caplog):
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 0)
    assert client.post("/api/v1/runs", json=minimal_run()).status_code == 503
    assert "the deadline of the request has passed" in caplog.text


def test_a_slow_sender_loses_none_of_the_databases_time(monkeypatch, client):
    body = json.dumps(minimal_run("e1")).encode()

    class SlowBody(io.BytesIO):
        def read(self, size=-1):
            time.sleep(1)
            return super().read(size)

    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 0.8)
    answer = client.post(
        "/api/v1/runs",
        input_stream=SlowBody(body),
        content_length=len(body),
        content_type="application/json",
    )
    assert answer.status_code == 201


def test_outside_of_a_request_there_is_no_end(client):
    client.get("/health")
    assert time_limits.deadline() == inf


def test_a_request_that_is_not_answered_leaves_no_end_behind(make_app):
    with make_app().test_request_context("/api/v1/runs", method="POST", json={}):
        read_document()
        assert time_limits.deadline() < inf
    assert time_limits.deadline() == inf
