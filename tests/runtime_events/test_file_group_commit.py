"""Requests that wait for the events file are written together."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from filelock import FileLock

from telemetry.runtime_events.file import journal
from tests.support.runtime_events import BATCH_URL, URL, full_event

POSTS = 20


@pytest.fixture
def posts(file_client):
    """Start POSTS requests at once, each for one event; return their futures."""

    def post(number):
        client = file_client.application.test_client()
        return client.post(URL, json=full_event(id=f"event-{number}"))

    with ThreadPoolExecutor(POSTS) as threads:
        yield lambda: [threads.submit(post, number) for number in range(POSTS)]


def test_requests_that_wait_for_the_lock_share_few_writes(posts, events_file):
    with FileLock(f"{events_file}.lock"):
        waiting = posts()
        assert not wait(waiting, 0.5).done
    created = [post.result() for post in waiting]
    assert {response.status_code for response in created} == {201}
    # One write gives all its events the same time.
    assert len({response.json["recorded_at"] for response in created}) <= POSTS / 2
    assert len(events_file.read_bytes().splitlines()) == POSTS


def test_a_failure_reaches_every_request_that_waits(posts, file_client, events_file, monkeypatch):
    monkeypatch.setattr(journal, "FILE_LOCK_SECONDS", 0.2)
    with FileLock(f"{events_file}.lock"):
        refused = [post.result() for post in posts()]
    assert {response.status_code for response in refused} == {503}
    assert {"locked" in response.json["detail"] for response in refused} == {True}
    assert all(response.headers["Retry-After"] for response in refused)
    assert file_client.get(URL).json["items"] == []


def test_health_does_not_wait_while_requests_wait_for_the_lock(posts, file_client, events_file):
    events_file.write_text("no event\n")
    with FileLock(f"{events_file}.lock"):
        waiting = posts()
        assert not wait(waiting, 0.2).done
        health = file_client.get("/api/health/persistence")
        assert health.json["domains"]["runtime_events"]["unreadable_lines"] == 0
        assert not any(post.done() for post in waiting)
    assert {post.result().status_code for post in waiting} == {201}
    health = file_client.get("/api/health/persistence")
    assert health.json["domains"]["runtime_events"]["unreadable_lines"] == 1


def test_a_batch_is_written_in_one_piece(file_client):
    def post(number):
        client = file_client.application.test_client()
        return client.post(BATCH_URL, json=[full_event(id=f"{number}-{it}") for it in range(50)])

    with ThreadPoolExecutor(8) as threads:
        assert {response.json["inserted"] for response in threads.map(post, range(8))} == {50}
    moments = {}
    for event in file_client.get(URL, query_string={"limit": 500}).json["items"]:
        moments.setdefault(event["id"].split("-")[0], []).append(event["recorded_at"])
    assert {batch: len(times) for batch, times in moments.items()} == {
        f"{it}": 50 for it in range(8)
    }
    assert all(len({*times}) == 1 for times in moments.values())
