"""GET /api/v1/feed/runtime-events, and the Link of the list: the same with both backends."""

import errno
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.errors import assert_problems
from tests.support.feed import Follower, get_with
from tests.support.runtime_events import minimal_event

URL = "/api/v1/feed/runtime-events"
EVENTS = "/api/runtime/events"


def ids(items):
    return [event["id"] for event in items]


def post(client, *names):
    for name in names:
        assert client.post(EVENTS, json=minimal_event(id=name)).status_code == 201


def follow_links(client, response):
    """Return the ids of the following pages of a list."""
    found = []
    while link := response.headers.get("Link"):
        url, rel = link.split("; ")
        assert (url[:2], rel) == ("</", 'rel="next"')
        response = client.get(url.strip("<>"))
        assert response.json["items"]
        found += ids(response.json["items"])
    assert response.json["has_more"] is False
    return found


def test_it_works(events):
    follower = Follower(get_with(events), URL)
    assert follower.catch_up() == []
    post(events, "a", "b")
    items = follower.catch_up()
    assert items == events.get(EVENTS).json["items"][::-1]
    post(events, "c")
    assert events.post(EVENTS, json=minimal_event(id="c")).status_code == 200
    assert ids(follower.catch_up()) == ["c"]
    assert follower.catch_up() == []


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_hold_every_event_once(events, limit):
    sent = [f"e{number}" for number in range(100)]
    events.post(f"{EVENTS}/batch", json=[minimal_event(id=name) for name in sent])
    follower = Follower(get_with(events), URL, limit=limit)
    assert sorted(ids(follower.catch_up())) == sorted(sent)


def test_now_is_an_empty_page_and_the_cursor_of_this_moment(events):
    follower = Follower(get_with(events), URL)
    assert follower.poll(after="now") == []
    post(events, "a")
    assert follower.poll(after="now") == []
    post(events, "b")
    assert ids(follower.catch_up()) == ["b"]


@pytest.mark.parametrize("after", ["x", "a" * 5000, "kw==", "é"])
def test_a_bad_cursor_is_422(events, after):
    response = events.get(URL, query_string={"after": after})
    assert_problems(response, {"after": "cursor"}, ("query",))


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "since=2026-01-01"])
def test_a_bad_query_is_422(events, query):
    assert events.get(f"{URL}?{query}").status_code == 422


def test_a_poller_sees_every_event_of_many_writers_once(event_app):
    app = event_app()
    seen, done = [], threading.Event()

    def poll():
        follower = Follower(get_with(app.test_client()), URL, limit=20)
        while not done.is_set():
            seen.extend(ids(follower.poll()))
        seen.extend(ids(follower.catch_up()))

    def write(number):
        client = app.test_client()
        if number % 10:
            post(client, f"w{number}")
        else:
            batch = [minimal_event(id=f"w{number}-{place}") for place in range(30)]
            assert client.post(f"{EVENTS}/batch", json=batch).status_code == 200

    with ThreadPoolExecutor(9) as pool:
        poller = pool.submit(poll)
        for task in [pool.submit(write, number) for number in range(300)]:
            task.result()
        done.set()
        poller.result()
    assert len(seen) == len(set(seen)) == 270 + 30 * 30


def test_it_waits_for_a_writer_whose_transaction_is_open(client, database_url):
    follower = Follower(get_with(client), URL)
    with psycopg.connect(database_url) as slow:
        slow.execute(
            "INSERT INTO runtime_events (id, source, endpoint, raw_endpoint, runtime_ms,"
            " runtime_cost_estimate) VALUES ('slow', 'api', '/', '/', 1, 0)"
        )
        for number in range(5):
            post(client, f"e{number}")
            assert ids(follower.catch_up()) == [f"e{number}"]
    assert ids(follower.catch_up()) == ["slow"]


def test_a_torn_line_of_the_file_is_skipped_once_it_is_complete(file_client, events_file):
    follower = Follower(get_with(file_client), URL)
    post(file_client, "a")
    with events_file.open("ab") as file:
        file.write(b'{"id": "torn')
    assert ids(follower.catch_up()) == ["a"]
    late = Follower(get_with(file_client), URL)
    assert late.poll(after="now") == []
    post(file_client, "b")
    assert ids(follower.catch_up()) == ["b"]
    assert ids(late.catch_up()) == ["b"]


def test_a_file_that_was_replaced_is_read_from_its_beginning(file_client, events_file):
    follower = Follower(get_with(file_client), URL)
    post(file_client, "a", "b", "c")
    assert ids(follower.catch_up()) == ["a", "b", "c"]
    events_file.unlink()
    assert follower.catch_up() == []
    post(file_client, "d")
    assert ids(follower.catch_up()) == ["d"]
    events_file.write_bytes(events_file.read_bytes().replace(b'"d"', b'"e"'))
    assert ids(follower.catch_up()) == ["e"]


def test_a_file_that_was_rotated_is_left_behind(file_client, events_file):
    follower = Follower(get_with(file_client), URL, limit=2)
    post(file_client, "a", "b", "c")
    assert ids(follower.poll()) == ["a", "b"]
    events_file.rename(events_file.with_suffix(".1"))
    assert follower.catch_up() == []
    post(file_client, "d", "e", "f", "g")
    assert ids(follower.catch_up()) == ["d", "e", "f", "g"]


def test_a_document_is_taken_over_and_read_from_its_beginning(file_client, events_file):
    follower = Follower(get_with(file_client), URL)
    post(file_client, "a")
    assert ids(follower.catch_up()) == ["a"]
    [line] = events_file.read_text().splitlines()
    events = [json.loads(line) | {"id": name} for name in "bcd"]
    events_file.write_text(json.dumps({"events": events}, indent=2))
    assert ids(follower.catch_up()) == ["b", "c", "d"]
    post(file_client, "e")
    assert ids(follower.catch_up()) == ["e"]


def test_an_event_that_could_not_be_synced_is_not_in_the_feed(
    file_client, events_file, monkeypatch
):
    follower = Follower(get_with(file_client), URL)
    post(file_client, "a")
    sync, poll = os.fsync, []

    def fail(fd):
        if os.path.realpath(f"/proc/self/fd/{fd}") != str(events_file):
            return sync(fd)
        poll.append(pool.submit(follower.catch_up))
        time.sleep(0.2)  # a feed that did not wait for the writer would have read the line
        raise OSError(errno.EIO, "broken")

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(os, "fsync", fail)
        assert file_client.post(EVENTS, json=minimal_event(id="lost")).status_code == 503
        monkeypatch.undo()
        assert ids(poll[0].result()) == ["a"]
    post(file_client, "b")
    assert ids(follower.catch_up()) == ["b"]


def test_a_cursor_of_the_file_is_not_one_of_the_database(client, file_client):
    cursor = file_client.get(URL).json["next"]
    assert_problems(client.get(f"{URL}?after={cursor}"), {"after": "cursor"}, ("query",))


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_the_links_of_the_list_neither_skip_nor_repeat_while_events_arrive(events, limit):
    sent = [f"e{number:02}" for number in range(20)]
    events.post(f"{EVENTS}/batch", json=[minimal_event(id=name) for name in sent[:10]])
    post(events, *sent[10:])
    first = events.get(f"{EVENTS}?limit={limit}")
    found = ids(first.json["items"])
    response = first
    while link := response.headers.get("Link"):
        post(events, f"new-{len(found)}")
        response = events.get(link.split(";")[0].strip("<>"))
        found += ids(response.json["items"])
    assert found == sent[::-1]


def test_the_links_of_the_list_keep_its_filters(events):
    batch = [
        minimal_event(id=f"e{number}", source="web" if number % 3 else "api") for number in range(9)
    ]
    events.post(f"{EVENTS}/batch", json=batch)
    first = events.get(f"{EVENTS}?limit=2&source=web&force_refresh=1")
    found = ids(first.json["items"]) + follow_links(events, first)
    assert found == ["e8", "e7", "e5", "e4", "e2", "e1"]


@pytest.mark.parametrize("cursor", ["x", "kw==", "é", "k6V5ZXN0ZXKhYQA="])
def test_a_bad_cursor_of_the_list_is_422(events, cursor):
    response = events.get(EVENTS, query_string={"cursor": cursor})
    assert_problems(response, {"cursor": "cursor"}, ("query",))
