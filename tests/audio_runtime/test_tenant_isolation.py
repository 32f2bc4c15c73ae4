"""Tenants are kept apart, by every statement and by the tables themselves."""

import psycopg
import pytest

from tests.support.audio_runtime import event

URL = "/api/v1/audio-runtime/events"

READS = (
    "/api/v1/audio-runtime/events",
    "/api/v1/audio-runtime/current",
    "/api/v1/audio-runtime/heads",
    "/api/v1/audit/events",
)


def insert(db, table, **values):
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*values.values()])


def test_at_k_db_01_tenant_isolation_enforced(client, cast):
    client.post(URL, json=event("STREAM_REFS", session_id=71))
    client.post(
        URL,
        json=event("STREAM_REFS", tenant_id="tenant-2", device_id="device-3", session_id=72),
    )
    for read in READS:
        for tenant in ("tenant-1", "tenant-2"):
            items = client.get(read, query_string={"tenant_id": tenant}).json["items"]
            assert [item["tenant_id"] for item in items] == [tenant]
        assert client.get(read).status_code == 422
        assert client.get(read, query_string={"tenant_id": "nobody"}).json["items"] == []


def test_at_k_db_01_a_foreign_device_looks_like_none(client, cast):
    client.post(URL, json=event())
    for device in ("device-1", "nobody"):
        for read in (READS[0], READS[3]):
            asked = {"tenant_id": "tenant-2", "device_id": device}
            answer = client.get(read, query_string=asked)
            assert (answer.status_code, answer.json) == (200, {"items": [], "has_more": False})
        current = client.get(f"/api/v1/audio-runtime/current/tenant-2/{device}")
        assert current.status_code == 404
        assert current.json["detail"] == f"No state of device {device} of tenant tenant-2"
        sent = {"tenant_id": "tenant-2", "device_id": device}
        rebuilt = client.post("/api/v1/audio-runtime/rebuild", json=sent)
        assert (rebuilt.status_code, rebuilt.json["reason_code"]) == (404, "K_FAIL_DEVICE_UNBOUND")


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"tenant_id": "tenant-2"}, "audio_runtime_events_device_fkey"),
        ({"device_id": "nobody"}, "audio_runtime_events_device_fkey"),
        ({"session_id": 72}, "audio_runtime_events_session_fkey"),
        ({"session_id": 99}, "audio_runtime_events_session_fkey"),
    ],
)
def test_at_k_db_01_no_insert_crosses_tenants(cast, db, values, constraint):
    row = {**event(), "row_hash": bytes(32), **values}
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match=constraint):
        insert(db, "os_core.audio_runtime_events", **row)
    assert cast.events() == []


def test_at_k_db_01_no_projection_audit_or_head_crosses_tenants(client, cast, db):
    event_id = client.post(URL, json=event()).json["event_id"]
    db.execute("DELETE FROM os_core.audio_runtime_current")
    foreign = {"tenant_id": "tenant-2", "device_id": "device-3"}
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="last_event_fkey"):
        insert(db, "os_core.audio_runtime_current", **foreign, last_event_id=event_id, updated_at=1)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="session_fkey"):
        insert(
            db,
            "os_core.audio_runtime_current",
            tenant_id="tenant-1",
            device_id="device-1",
            session_id=72,
            last_event_id=event_id,
            updated_at=1,
        )
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="heads_event_fkey"):
        db.execute(
            "UPDATE os_core.audio_runtime_heads SET event_id = %s WHERE device_id = 'device-3'",
            [event_id],
        )
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="sessions_device_fkey"):
        insert(db, "os_core.sessions", session_id=5, tenant_id="tenant-2", device_id="device-1")
