"""A frozen, restarted or killed database: 503 in time, no run lost, and it recovers by itself."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest

from tests.support.runs import minimal_run
from tests.support.waiting import locks_awaited, wait_until, wait_until_ready

pytestmark = pytest.mark.faults

URL = "/api/v1/runs"

# Below the 30 s after which a hosting platform ends a request.
DEADLINE = 25


@pytest.fixture
def service(server, start_service):
    service = start_service(DATABASE_URL=server.url)
    assert service.client.post(URL, json=minimal_run("before")).status_code == 201
    return service


def count(server, event_id):
    with psycopg.connect(server.url) as connection:
        query = "SELECT count(*) FROM agent_runs WHERE event_id = %s"
        return connection.execute(query, [event_id]).fetchone()[0]


def test_a_frozen_database_does_not_block_the_workers(server, service):
    server.freeze()
    try:
        with ThreadPoolExecutor(40) as clients:
            posts = [
                clients.submit(
                    service.client.post, URL, json=minimal_run(f"e{n % 30}"), timeout=DEADLINE
                )
                for n in range(40)
            ]
            health_answers_before_any_post = 0
            while not all(post.done() for post in posts):
                health = service.client.get("/health", timeout=DEADLINE)
                ready = service.client.get("/api/ready", timeout=DEADLINE)
                health_answers_before_any_post += not any(post.done() for post in posts)
                assert health.status_code == 200
                assert ready.status_code == 503
                assert ready.json()["detail"]["error"] == "database_unreachable"
            responses = [post.result() for post in posts]
    finally:
        server.thaw()
    assert health_answers_before_any_post > 0
    assert {response.status_code for response in responses} == {503}
    assert all(int(response.headers["Retry-After"]) > 0 for response in responses)
    assert service.client.post(URL, json=minimal_run("e0")).status_code in (200, 201)
    assert count(server, "e0") == 1
    wait_until_ready(service.client)


def test_no_run_is_lost_when_the_database_freezes_during_a_batch(server, service):
    runs = [minimal_run(f"e{number}") for number in range(1000)]
    insert = "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)"
    with psycopg.connect(server.url) as other, ThreadPoolExecutor(1) as clients:
        other.execute(f"{insert} VALUES ('e500', 'run-1', 'agent-a', 'crawl', now())")
        post = clients.submit(service.client.post, f"{URL}/batch", json=runs, timeout=DEADLINE)
        wait_until(lambda: locks_awaited(other) > 0)
        server.freeze()
        try:
            assert post.result().status_code == 503
        finally:
            server.thaw()
        other.rollback()
    again = service.client.post(f"{URL}/batch", json=runs).json()
    assert again["inserted"] + again["duplicates"] == again["total"] == 1000
    with psycopg.connect(server.url) as connection:
        stored = connection.execute("SELECT count(*) FROM agent_runs WHERE event_id LIKE 'e%'")
        assert stored.fetchone()[0] == 1000


def test_the_reason_for_a_failed_connection_is_logged_once(start_service):
    service = start_service(
        DATABASE_URL="postgresql://agent:s3cret@127.0.0.1:1/x", WEB_CONCURRENCY="1"
    )
    assert service.client.get("/api/v1/metadata").status_code == 503
    assert service.log.count("error connecting") == 1
    assert "127.0.0.1" in service.log
    assert "s3cret" not in service.log


def test_the_service_reconnects_after_a_restart(server, service):
    server.stop()
    response = service.client.post(URL, json=minimal_run("during"), timeout=DEADLINE)
    assert response.status_code == 503
    assert "Retry-After" in response.headers
    assert service.client.get("/api/ready").status_code == 503
    server.start()
    wait_until_ready(service.client)
    assert service.client.post(URL, json=minimal_run("during")).status_code == 201
    assert count(server, "during") == 1


def test_no_request_fails_after_a_quick_restart(server, service):
    with ThreadPoolExecutor(8) as clients:
        clients.map(lambda _: service.client.get(URL), range(16))
    server.stop()
    server.start()
    # The server closed every connection of the pool, but no request fails.
    for number in range(20):
        response = service.client.post(URL, json=minimal_run(f"after-{number}"))
        assert response.status_code == 201


def test_created_runs_survive_kill_9_of_the_database(server, service):
    created, stop = [], Event()

    def post(worker: int) -> None:
        number = 0
        while not stop.is_set():
            event_id = f"w{worker}-{number}"
            response = service.client.post(URL, json=minimal_run(event_id), timeout=DEADLINE)
            if response.status_code == 201:
                created.append(event_id)
            number += 1

    with ThreadPoolExecutor(4) as clients:
        workers = [clients.submit(post, worker) for worker in range(4)]
        wait_until(lambda: len(created) >= 200)
        server.kill()
        stop.set()
        for worker in workers:
            worker.result()
    server.start()
    with psycopg.connect(server.url) as connection:
        stored = {row[0] for row in connection.execute("SELECT event_id FROM agent_runs")}
    assert set(created) <= stored


def test_a_request_in_progress_is_completed_when_the_service_stops(server, service):
    with psycopg.connect(server.url) as blocker:
        blocker.execute("LOCK TABLE agent_runs IN EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as clients:
            post = clients.submit(service.client.post, URL, json=minimal_run("last"))
            wait_until(lambda: locks_awaited(blocker) > 0)
            service.process.terminate()
            blocker.rollback()
            assert post.result().status_code == 201
    assert service.process.wait(30) == 0
    assert all(line.startswith('{"time":') for line in service.log.splitlines())
    assert count(server, "last") == 1
