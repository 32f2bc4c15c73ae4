"""A request ends by its deadline, however many database calls it makes."""

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
from tests.support.errors import assert_unavailable
from tests.support.runs import minimal_run
from tests.support.waiting import locks_awaited, wait_until

LOCKED = (
    "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)"
    " VALUES (%s, 'run-1', 'agent-a', 'crawl', now())"
)


@pytest.fixture
def lock(database_url):
    """Return a function that creates a run in a transaction, which it leaves open."""
    opened = []

    def one(event_id):
        opened.append(psycopg.connect(database_url))
        opened[-1].execute(LOCKED, [event_id])
        return opened[-1]

    yield one
    for connection in opened:
        connection.close()


@pytest.mark.long
def test_all_waits_of_a_request_share_one_deadline(monkeypatch, client, db, lock):
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 3)
    runs = [minimal_run(f"e{number:05}") for number in range(PART + 1)]
    first, second = lock("e00000"), lock(f"e{PART:05}")
    with ThreadPoolExecutor(1) as clients:
        began = time.monotonic()
        post = clients.submit(client.post, "/api/v1/runs/batch", json=runs)
        wait_until(lambda: locks_awaited(second) > 0)
        time.sleep(2)
        first.rollback()
        response = post.result()
    assert_unavailable(response)
    assert time.monotonic() - began < 4.5
    assert db.execute("SELECT count(*) FROM agent_runs").fetchone() == {"count": 0}


def test_the_next_request_has_a_deadline_of_its_own(monkeypatch, client, lock):
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 0.5)
    with lock("e1"):
        assert_unavailable(client.post("/api/v1/runs", json=minimal_run("e1")))
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 5)
    assert client.post("/api/v1/runs", json=minimal_run("e2")).status_code == 201


def test_after_its_deadline_a_request_asks_the_database_nothing(monkeypatch, client, caplog):
    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 0)
    assert_unavailable(client.post("/api/v1/runs", json=minimal_run()))
    assert "the deadline of the request has passed" in caplog.text


@pytest.mark.long
def test_a_slow_upload_does_not_count(monkeypatch, client):
    body = json.dumps(minimal_run("e1")).encode()

    class SlowBody(io.BytesIO):
        def read(self, size=-1):
            if self.tell() == 0:
                time.sleep(3)
            return super().read(size)

    monkeypatch.setattr(time_limits, "REQUEST_SECONDS", 2.5)
    response = client.post(
        "/api/v1/runs",
        input_stream=SlowBody(body),
        content_length=len(body),
        content_type="application/json",
    )
    assert response.status_code == 201


def test_outside_a_request_there_is_no_deadline(client):
    client.get("/health")
    assert time_limits.deadline() == inf


def test_a_request_without_a_response_leaves_no_deadline_behind(make_app):
    with make_app().test_request_context("/api/v1/runs", method="POST", json={}):
        read_document()
        assert time_limits.deadline() < inf
    assert time_limits.deadline() == inf
