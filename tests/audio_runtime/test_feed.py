"""GET /api/v1/feed/audio-runtime: a follower sees every event of its tenant once."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import msgspec
import psycopg
import pytest

from tests.support.audio_runtime import event
from tests.support.errors import assert_problems
from tests.support.feed import Follower, get_with

URL = "/api/v1/feed/audio-runtime"
EVENTS = "/api/v1/audio-runtime/events"


def follow(client, tenant="tenant-1", **query):
    return Follower(get_with(client), URL, tenant_id=tenant, **query)


def ids(items):
    return [item["event_id"] for item in items]


def append(client, device="device-1", tenant="tenant-1", **fields):
    response = client.post(EVENTS, json=event(device_id=device, tenant_id=tenant, **fields))
    assert response.status_code == 201
    return response.json["event_id"]


def test_it_works(client, cast):
    follower = follow(client)
    assert follower.catch_up() == []
    appended = [append(client), append(client, "device-2"), append(client)]
    append(client, "device-3", "tenant-2")
    items = follower.catch_up()
    assert items == client.get(f"{EVENTS}?tenant_id=tenant-1").json["items"]
    assert ids(items) == appended
    assert follower.catch_up() == []
    assert len(follow(client, "tenant-2").catch_up()) == 1
    assert follow(client, "tenant-3").catch_up() == []


def test_now_is_an_empty_page_and_the_cursor_of_this_moment(client, cast):
    append(client)
    follower = follow(client)
    assert follower.poll(after="now") == []
    appended = append(client)
    assert ids(follower.catch_up()) == [appended]


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_events_from_before_the_numbers_appear_first_and_once(client, cast, db, limit):
    db.execute("ALTER TABLE os_core.audio_runtime_events ALTER COLUMN feed_number SET DEFAULT 0")
    old = [append(client), append(client, "device-2"), append(client)]
    db.execute(
        "ALTER TABLE os_core.audio_runtime_events ALTER COLUMN feed_number"
        " SET DEFAULT take_lane(7309) * 100000000000000000"
        " + nextval('os_core.audio_runtime_events_feed_seq')"
    )
    new = [append(client, "device-2"), append(client)]
    assert ids(follow(client, limit=limit).catch_up()) == old + new
    assert follow(client).poll(after="now") == []


def test_it_waits_for_a_writer_whose_transaction_is_open(client, cast, database_url):
    follower = follow(client)
    with psycopg.connect(database_url) as slow:
        slow.execute(
            "INSERT INTO os_core.audio_runtime_events (tenant_id, device_id, event_kind,"
            " created_at, idempotency_key, processed_stream_id, row_hash)"
            " VALUES ('tenant-1', 'device-2', 'VAD_EVENT', 1, 'slow', '1', sha256(''))"
        )
        for _ in range(3):
            appended = append(client)
            assert ids(follower.catch_up()) == [appended]
    assert [item["idempotency_key"] for item in follower.catch_up()] == ["slow"]


@pytest.mark.long
def test_a_poller_sees_every_event_of_many_writers_once_in_the_order_of_devices(
    start_service, cast
):
    service = start_service()

    def get(path, query):
        return service.client.get(path, params=query).json()

    def write(number):
        tenant, device = [("tenant-1", "device-1"), ("tenant-1", "device-2")][number % 2]
        if number % 10:
            body = event(device_id=device, tenant_id=tenant)
            assert service.client.post(EVENTS, json=body).status_code == 201
        else:
            batch = [
                event(device_id=f"device-{place % 2 + 1}", tenant_id=tenant) for place in range(9)
            ]
            assert service.client.post(f"{EVENTS}/batch", json=batch).status_code == 200

    seen, done = [], threading.Event()

    def poll():
        follower = Follower(get, URL, tenant_id="tenant-1", limit=20)
        while not done.is_set():
            seen.extend(follower.poll())
        seen.extend(follower.catch_up())

    with ThreadPoolExecutor(17) as pool:
        poller = pool.submit(poll)
        for task in [pool.submit(write, number) for number in range(400)]:
            task.result()
        done.set()
        poller.result()
    assert len(seen) == len(set(ids(seen))) == 360 + 40 * 9
    for device in ("device-1", "device-2"):
        in_order = ids(item for item in seen if item["device_id"] == device)
        assert all(first < second for first, second in pairwise(in_order))


def test_a_cursor_of_another_tenant_is_422(client, cast):
    cursor = client.get(f"{URL}?tenant_id=tenant-1").json["next"]
    response = client.get(f"{URL}?tenant_id=tenant-2&after={cursor}")
    assert_problems(response, {"after": "cursor"}, ("query",))


def test_the_tenant_is_required(client):
    assert_problems(client.get(URL), {"tenant_id": "missing"}, ("query",))


@pytest.mark.parametrize("mark", ["x", "-1", "9" * 19, "9" * 5000, "1\x00", "٣"])
def test_a_forged_cursor_is_422(client, mark):
    # The text of a cursor is not a secret: what it holds is checked.
    text = msgspec.msgpack.encode(["audio-runtime tenant-1", [0] * 64, mark])
    after = base64.urlsafe_b64encode(text).decode()
    response = client.get(URL, query_string={"tenant_id": "tenant-1", "after": after})
    assert_problems(response, {"after": "cursor"}, ("query",))
