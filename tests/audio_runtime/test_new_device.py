"""A device that is created while a batch already names it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry.audio_runtime.projection import lock_heads
from telemetry.audio_runtime.store import lock_and_append
from telemetry.database.connection import connect, find_distributed
from tests.support.audio_runtime import event
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/v1/audio-runtime/events"
BUSY = {"tenant_id": "tenant-1", "device_id": "busy"}
LATE = {"tenant_id": "tenant-1", "device_id": "late"}


@pytest.fixture
def others(database_url):
    connections = [connect(database_url) for _ in range(2)]
    for connection in connections:
        find_distributed(connection)
    yield connections
    for connection in connections:
        connection.close()


def test_its_chain_holds_when_another_writer_is_at_it(make_app, cast, db, others):
    """The batch's lock misses the device, and another writer appends for it meanwhile."""
    holder, writer = others
    cast.bind({"busy": "tenant-1"})
    client = make_app(db_pool_size=4).test_client
    with ThreadPoolExecutor(1) as thread:
        with holder.transaction():
            lock_heads(holder, [BUSY])
            batch = [event(**BUSY), event(**LATE), event(**LATE)]
            posted = thread.submit(client().post, f"{URL}/batch", json=batch)
            wait_until(lambda: locks_awaited(db) > 0)
            sent = {"tenant_id": "tenant-1"}
            assert client().put("/api/v1/devices/late", json=sent).status_code == 201
            assert client().post(URL, json=event(**LATE)).status_code == 201
            writer.execute("BEGIN")
            lock_and_append(writer, [event(**LATE), event(**LATE)])
        wait_until(lambda: locks_awaited(db) > 0)
        writer.execute("COMMIT")
        assert posted.result(30).json["inserted"] == 3
    assert len(cast.events()) == 6
    cast.assert_sound()


def test_many_devices_are_born_under_load(make_app, cast):
    cast.bind({"busy": "tenant-1"})
    app = make_app(db_pool_size=8)
    names = [f"born-{number}" for number in range(24)]

    def write(number):
        client = app.test_client()
        for turn in range(6):
            if number == 0:
                for name in names[turn::6]:
                    client.put(f"/api/v1/devices/{name}", json={"tenant_id": "tenant-1"})
            events = [event(device_id=name, tenant_id="tenant-1") for name in names]
            answer = client.post(f"{URL}/batch", json=[event(**BUSY), *events])
            assert answer.json["inserted"] + len(answer.json["errors"]) == 25

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(write, range(8))] == [None] * 8
    cast.assert_sound()
