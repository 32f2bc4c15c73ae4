"""A column that nothing fills is a fault of the database: no record is refused for it."""

import pytest

from tests.support.audio_runtime import event
from tests.support.errors import assert_unavailable
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

RECORDS = {
    "/api/v1/runs": ("agent_runs", minimal_run),
    "/api/runtime/events": ("runtime_events", lambda name: minimal_event(id=name)),
    "/api/v1/audio-runtime/events": (
        "os_core.audio_runtime_events",
        lambda name: event("VAD_EVENT", idempotency_key=name),
    ),
}


@pytest.fixture
def client(client):
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    return client


@pytest.mark.parametrize("url", RECORDS)
def test_a_column_of_a_dba_without_a_default_is_named(client, db, url):
    table, record = RECORDS[url]
    db.execute(f"ALTER TABLE {table} ADD COLUMN dept text NOT NULL")
    for path, body in ((url, record("a")), (f"{url}/batch", [record("b"), record("c")])):
        response = client.post(path, json=body)
        assert 'null value in column "dept"' in assert_unavailable(response)
        assert response.headers["Retry-After"] == "60"
    db.execute(f"ALTER TABLE {table} ALTER COLUMN dept SET DEFAULT 'x'")
    assert client.post(url, json=record("a")).status_code == 201
    assert client.post(f"{url}/batch", json=[record("b"), record("c")]).json["inserted"] == 2


@pytest.mark.one_node("no trigger fills a column of runtime_events there, but defaults do")
def test_a_disabled_trigger_that_fills_a_column_is_no_fault_of_an_event(client, db):
    db.execute("ALTER TABLE runtime_events DISABLE TRIGGER number_runtime_event")
    for path, body in (("", minimal_event()), ("/batch", [minimal_event(), minimal_event()])):
        response = client.post(f"/api/runtime/events{path}", json=body)
        assert "enable the trigger that fills it" in assert_unavailable(response)
