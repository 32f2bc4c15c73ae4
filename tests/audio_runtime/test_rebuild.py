"""The projection can be rebuilt from the ledger, beside live writers."""

import pytest

from tests.support.audio_runtime import KINDS, event
from tests.support.replay import replay

URL = "/api/v1/audio-runtime/events"
REBUILD = "/api/v1/audio-runtime/rebuild"
CURRENT = "os_core.audio_runtime_current"


@pytest.fixture
def filled(client, cast):
    for device in ("device-1", "device-2"):
        for kind in KINDS:
            client.post(URL, json=event(kind, device_id=device, session_id=71))
    client.post(URL, json=event(tenant_id="tenant-2", device_id="device-3"))
    return cast


def versions(db):
    return db.execute(f"SELECT device_id, ctid, xmin FROM {CURRENT} ORDER BY 1").fetchall()


def test_at_k_db_04_current_table_rebuild_from_ledger(client, filled, db):
    expected = filled.current()
    assert expected == replay(filled.events())
    db.execute(f"TRUNCATE {CURRENT}")
    answer = client.post(REBUILD, json={"tenant_id": "tenant-1"})
    assert answer.status_code == 200
    assert (answer.json["devices"], answer.json["differed"]) == (2, 2)
    assert answer.json["duration_ms"] > 0
    assert {name[1] for name in filled.current()} == {"device-1", "device-2"}
    assert filled.rebuild() == (3, 1)
    assert filled.current() == expected


def test_rows_that_are_right_stay_untouched(client, filled, db):
    before = versions(db)
    assert client.post(REBUILD, json={"tenant_id": "tenant-1"}).json["differed"] == 0
    assert filled.rebuild() == (3, 0)
    assert versions(db) == before


def test_it_mends_one_device_alone(client, filled, db):
    expected = filled.current()
    db.execute(f"UPDATE {CURRENT} SET underruns = 99, aec_unstable = NOT aec_unstable")
    sent = {"tenant_id": "tenant-1", "device_id": "device-2"}
    answer = client.post(REBUILD, json=sent).json
    assert (answer["devices"], answer["differed"]) == (1, 1)
    name = "tenant-1", "device-2"
    assert filled.current()[name] == expected[name]
    assert filled.rebuild(tenant_id="tenant-2") == (1, 1)
    assert filled.rebuild(device_id="device-1") == (1, 1)
    assert filled.current() == expected


def test_stream_refs_without_a_raw_stream_clear_it(client, cast):
    client.post(URL, json=event("STREAM_REFS"))
    sent = event("STREAM_REFS", processed_stream_id="later")
    del sent["raw_stream_id"]
    client.post(URL, json=sent)
    client.post(URL, json=event("VAD_EVENT", processed_stream_id="latest"))
    state = cast.current()["tenant-1", "device-1"]
    assert (state["raw_stream_id"], state["processed_stream_id"]) == (None, "latest")
    cast.assert_sound()


def test_the_order_is_that_of_events_not_of_clocks(client, cast):
    client.post(URL, json=event("TTS_PLAYBACK_ACTIVE", created_at=10))
    client.post(URL, json=event("TTS_PLAYBACK_ACTIVE", created_at=5, tts_playback_active=False))
    state = cast.current()["tenant-1", "device-1"]
    assert (state["tts_playback_active"], state["updated_at"]) == (False, 5)


def test_it_removes_what_no_event_gives(client, filled, db):
    db.execute(f"ALTER TABLE {CURRENT} DROP CONSTRAINT audio_runtime_current_last_event_fkey")
    filled.bind({"idle": "tenant-1"})
    db.execute(
        f"INSERT INTO {CURRENT} (tenant_id, device_id, last_event_id, updated_at)"
        " VALUES ('tenant-1', 'idle', 1, 1)"
    )
    answer = client.post(REBUILD, json={"tenant_id": "tenant-1"}).json
    assert (answer["devices"], answer["differed"]) == (3, 1)
    assert ("tenant-1", "idle") not in filled.current()


@pytest.mark.parametrize(
    "change",
    [
        "row_hash = sha256('x')",
        "event_id = (SELECT min(event_id) FROM os_core.audio_runtime_events"
        " WHERE device_id = 'device-1')",
    ],
)
def test_it_refuses_a_ledger_that_contradicts_itself(client, filled, db, change):
    db.execute(f"UPDATE os_core.audio_runtime_heads SET {change} WHERE device_id = 'device-1'")
    db.execute(f"TRUNCATE {CURRENT}")
    answer = client.post(REBUILD, json={"tenant_id": "tenant-1"})
    assert answer.status_code == 409
    assert answer.json["reason_code"] == "K_FAIL_REBUILD_INTEGRITY"
    assert "device-1" in answer.json["detail"]
    assert filled.current().keys() == {("tenant-1", "device-2")}


def test_appends_to_a_device_whose_head_is_gone_are_refused(client, filled, db):
    db.execute("DELETE FROM os_core.audio_runtime_heads WHERE device_id = 'device-1'")
    before = filled.everything()
    answer = client.post(URL, json=event())
    assert (answer.status_code, answer.json["reason_code"]) == (409, "K_FAIL_REBUILD_INTEGRITY")
    assert filled.everything() == before


@pytest.mark.parametrize("body", [{}, {"tenant_id": "a b"}, {"tenant_id": "t", "all": True}, []])
def test_it_rejects_bad_fields(client, body):
    answer = client.post(REBUILD, json=body)
    assert answer.status_code == 422
    assert answer.json["reason_code"] == "K_FAIL_EVENT_FIELDS_INVALID"
