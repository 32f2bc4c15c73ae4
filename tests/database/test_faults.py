"""The database frozen, restarted, killed: 503 in time, nothing lost, back without help."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest

from tests.support.runs import minimal_run
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/v1/runs"

# Below the 30 s after which a platform gives up on a request.
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


def test_a_frozen_database_holds_no_worker(server, service):
    server.freeze()
    try:
        with ThreadPoolExecutor(40) as clients:
            posts = [
                clients.submit(
                    service.client.post, URL, json=minimal_run(f"e{n % 30}"), timeout=DEADLINE
                )
                for n in range(40)
            ]
            overtaken = 0
            while not all(post.done() for post in posts):
                health = service.client.get("/health", timeout=DEADLINE)
                ready = service.client.get("/api/ready", timeout=DEADLINE)
                overtaken += not any(post.done() for post in posts)
                assert health.status_code == 200
                assert ready.status_code == 503
                assert ready.json()["detail"]["error"] == "database_unreachable"
            answers = [post.result() for post in posts]
    finally:
        server.thaw()
    assert overtaken > 0
    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert service.client.post(URL, json=minimal_run("e0")).status_code in (200, 201)
    assert count(server, "e0") == 1
    wait_until_ready(service)


def test_a_database_that_freezes_within_a_batch_costs_nothing(server, service):
    runs = [minimal_run(f"e{number}") for number in range(1000)]
    locked = "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)"
    with psycopg.connect(server.url) as other, ThreadPoolExecutor(1) as clients:
        other.execute(f"{locked} VALUES ('e500', 'run-1', 'agent-a', 'crawl', now())")
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


def test_the_log_says_once_why_there_is_no_connection(start_service):
    service = start_service(
        DATABASE_URL="postgresql://agent:s3cret@127.0.0.1:1/x", WEB_CONCURRENCY="1"
    )
    assert service.client.get("/api/v1/metadata").status_code == 503
    assert service.log.count("error connecting") == 1
    assert "127.0.0.1" in service.log
    assert "s3cret" not in service.log


def test_a_restarted_database_is_found_again(server, service):
    server.stop()
    answer = service.client.post(URL, json=minimal_run("during"), timeout=DEADLINE)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert service.client.get("/api/ready").status_code == 503
    server.start()
    wait_until_ready(service)
    assert service.client.post(URL, json=minimal_run("during")).status_code == 201
    assert count(server, "during") == 1


def test_a_quick_restart_costs_no_request(server, service):
    with ThreadPoolExecutor(8) as clients:
        clients.map(lambda _: service.client.get(URL), range(16))
    server.stop()
    server.start()
    # Every pooled connection is dead now, and no request notices.
    for number in range(20):
        answer = service.client.post(URL, json=minimal_run(f"after-{number}"))
        assert answer.status_code == 201


def test_what_was_answered_survives_kill_9_of_the_database(server, service):
    created, stop = [], Event()

    def post(worker: int) -> None:
        number = 0
        while not stop.is_set():
            event_id = f"w{worker}-{number}"
            answer = service.client.post(URL, json=minimal_run(event_id), timeout=DEADLINE)
            if answer.status_code == 201:
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


def test_what_was_accepted_is_answered_when_the_service_is_asked_to_stop(server, service):
    with psycopg.connect(server.url) as blocker:
        blocker.execute("LOCK TABLE agent_runs IN EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as clients:
            post = clients.submit(service.client.post, URL, json=minimal_run("last"))
            with psycopg.connect(server.url, autocommit=True) as watcher:
                waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                wait_until(lambda: watcher.execute(waiting).fetchone()[0] > 0)
            service.process.terminate()
            blocker.rollback()
            assert post.result().status_code == 201
    assert service.process.wait(30) == 0
    assert all(line.startswith('{"time":') for line in service.log.splitlines())
    assert count(server, "last") == 1


def wait_until_ready(service):
    wait_until(lambda: service.client.get("/api/ready").status_code == 200)
