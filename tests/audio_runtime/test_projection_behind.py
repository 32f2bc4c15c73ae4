"""An append moves the projection on from where the device's head is; one that is not there is
brought there first, in the same transaction.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry.audio_runtime.store import APPEND
from telemetry.database.connection import connect
from telemetry.database.values import as_json
from tests.support.audio_runtime import KINDS, event
from tests.support.waiting import count_everywhere, wait_until

URL = "/api/v1/audio-runtime/events"
CURRENT = "os_core.audio_runtime_current"

LOST = f"DELETE FROM {CURRENT}"
# As a dump of it alone, restored: the state after the device's first event.
BEHIND = (
    f"UPDATE {CURRENT} SET jitter_ms = NULL, drift_ppm = NULL, buffer_depth_ms = NULL,"
    " underruns = NULL, overruns = NULL, last_event_id ="
    " (SELECT min(event_id) FROM os_core.audio_runtime_events AS event"
    " WHERE event.tenant_id = audio_runtime_current.tenant_id"
    " AND event.device_id = audio_runtime_current.device_id)"
)


@pytest.fixture
def filled(client, cast):
    for device in ("device-1", "device-2"):
        for kind in KINDS:
            client.post(URL, json=event(kind, device_id=device, session_id=71))
    return cast


@pytest.mark.parametrize("damage", [LOST, BEHIND])
def test_one_event_brings_it_to_the_ledger(client, filled, db, damage):
    db.execute(f"{damage} WHERE device_id = 'device-1'")
    assert client.post(URL, json=event()).status_code == 201
    filled.assert_sound()


@pytest.mark.parametrize("damage", [LOST, BEHIND])
def test_so_does_a_batch_with_other_devices(client, filled, db, damage):
    devices = ["device-1", "device-2", "device-1", "nobody", "device-2"]
    known = event()
    client.post(URL, json=known)
    db.execute(f"{damage} WHERE device_id = 'device-1'")
    batch = [known, *[event("TIMING_STATS", device_id=device) for device in devices]]
    answer = client.post(f"{URL}/batch", json=batch).json
    assert (answer["inserted"], answer["duplicates"], len(answer["errors"])) == (4, 1, 1)
    filled.assert_sound()


def test_a_refused_event_leaves_it_as_it_is(client, filled, db):
    db.execute(LOST)
    answer = client.post(URL, json=event(session_id=999))
    assert answer.json["reason_code"] == "K_FAIL_SESSION_INVALID"
    assert filled.current() == {}


CONTRADICTIONS = {
    "a row slipped in": "INSERT INTO os_core.audio_runtime_events (tenant_id, device_id,"
    " event_kind, created_at, idempotency_key, processed_stream_id, row_hash)"
    " VALUES ('tenant-1', 'device-1', 'VAD_EVENT', 1, 'slipped in', 's', sha256(''))",
    "a head that is behind": "UPDATE os_core.audio_runtime_heads SET event_id ="
    " (SELECT min(event_id) FROM os_core.audio_runtime_events) WHERE device_id = 'device-1'",
}


@pytest.mark.parametrize("change", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_nothing_is_appended_where_it_follows_from_no_ledger(client, filled, db, change):
    """The device's events are refused, those of others are not."""
    db.execute(change)
    db.execute(LOST)
    before = filled.everything()
    answer = client.post(URL, json=event())
    assert (answer.status_code, answer.json["reason_code"]) == (409, "K_FAIL_REBUILD_INTEGRITY")
    assert filled.everything() == before
    batch = [event(), event(device_id="device-2"), event()]
    answer = client.post(f"{URL}/batch", json=batch)
    assert answer.status_code == 200
    assert [it["reason_code"] for it in answer.json["errors"]] == ["K_FAIL_REBUILD_INTEGRITY"] * 2
    assert [it["status"] for it in answer.json["results"]] == ["committed"]
    assert filled.current().keys() == {("tenant-1", "device-2")}


SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def append_slowly(connection, sent):
    """Append by a statement that sleeps between its snapshot and its locks."""
    devices = b"FROM sent\n    ) AS named"
    assert APPEND.count(devices) == 1
    slow = APPEND.replace(devices, b"FROM sent CROSS JOIN pg_sleep(2)) AS named")
    parameters = {"events": as_json([sent]), "tenant_id": sent["tenant_id"]}
    return [row["outcome"] for row in connection.execute(slow, parameters)]


def test_what_a_rebuild_mends_meanwhile_stays_mended(filled, db, database_url):
    """The append began before, and saw the row as it was."""
    right = filled.current()[("tenant-1", "device-1")]
    db.execute(f"UPDATE {CURRENT} SET underruns = 99 WHERE device_id = 'device-1'")
    with connect(database_url) as writer, ThreadPoolExecutor(1) as thread:
        appending = thread.submit(append_slowly, writer, event())
        wait_until(lambda: count_everywhere(db, SLEEPING) == 1)
        filled.rebuild()
        assert appending.result(20) == ["committed"]
    assert filled.current()[("tenant-1", "device-1")]["underruns"] == right["underruns"]
    filled.assert_sound()
