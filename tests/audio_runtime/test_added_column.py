"""A DBA may add columns to the tables of the ledger; nothing that the service does changes."""

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.audio_runtime import KINDS, event
from tests.support.ledger import Ledger

URL = "/api/v1/audio-runtime"
EVENTS = f"{URL}/events"
TABLES = (
    "os_core.devices",
    "os_core.sessions",
    "os_core.audio_runtime_events",
    "os_core.audio_runtime_heads",
    "os_core.audio_runtime_current",
    "audit.audit_events",
)
COLUMNS = ("event text", "position bigint", "is_checked boolean NOT NULL DEFAULT FALSE")
DEVICE = {"tenant_id": "tenant-1", "device_id": "device-9"}
READS = (
    f"{EVENTS}?tenant_id=tenant-1",
    f"{EVENTS}?tenant_id=tenant-1&device_id=device-9",
    f"{URL}/current?tenant_id=tenant-1",
    f"{URL}/current/tenant-1/device-9",
    f"{URL}/heads?tenant_id=tenant-1",
    "/api/v1/audit/events?tenant_id=tenant-1",
    "/api/v1/audit/events?tenant_id=tenant-1&device_id=device-9",
)
DAMAGE = (
    "DELETE FROM os_core.audio_runtime_current WHERE device_id = 'device-9'",
    "UPDATE os_core.audio_runtime_current SET underruns = 99 WHERE device_id = 'device-9'",
)


def add_columns(ledger):
    for table in TABLES:
        for column in COLUMNS:
            ledger.db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def play(app, ledger, change):
    """Write and read everything, with the change after the first event; return the responses."""
    client = app.test_client()
    first = event("DEVICE_STATE", **DEVICE, idempotency_key="first", created_at=1, session_id=79)
    batch = [
        event(kind, **DEVICE, idempotency_key=kind, created_at=n) for n, kind in enumerate(KINDS)
    ]
    put = {"tenant_id": "tenant-1"}
    responses = [
        client.put("/api/v1/devices/device-9", json=put),
        client.put("/api/v1/sessions/79", json=DEVICE),
        client.post(EVENTS, json=first),
    ]
    change(ledger)
    responses += [
        client.put("/api/v1/devices/device-9", json={**put, "device_type": "speaker"}),
        client.put("/api/v1/devices/device-8", json=put),
        client.put("/api/v1/sessions/79", json=DEVICE),
        client.post(EVENTS, json=first),
        client.post(EVENTS, json={**first, "selected_mic": "other"}),
        client.post(f"{EVENTS}/batch", json=[*batch, first, event(device_id="none")]),
        client.post(f"{EVENTS}/batch", json=batch),
    ]
    for number, damage in enumerate(DAMAGE):
        ledger.db.execute(damage)
        sent = event(**DEVICE, idempotency_key=f"repair-{number}", created_at=2)
        responses += [client.post(EVENTS, json=sent), *map(client.get, READS)]
    return [(response.status_code, comparable(response.json)) for response in responses]


def comparable(document):
    for item in document.get("items", ()):
        item.pop("recorded_at", None)
    return document


@pytest.fixture
def second(databases):
    """A second database, whose ids start at 1 too."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield Ledger(url, connection)
    databases.give_back(url)


def test_every_response_stays_the_same(make_app, ledger, second):
    expected = play(make_app(), ledger, lambda _: None)
    assert play(make_app(database_url=second.url), second, add_columns) == expected


def test_a_rebuild_repairs_and_verify_finds_what_is_damaged(make_app, ledger):
    play(make_app(), ledger, add_columns)
    ledger.rebuild()
    assert ledger.verify() == []
    for damage in DAMAGE:
        ledger.db.execute(damage)
        assert [line.split("problem=")[1].split("_")[0] for line in ledger.verify()] == [
            "projection"
        ]
        assert ledger.rebuild() == (2, 1)
        assert ledger.rebuild() == (2, 0)
        assert ledger.verify() == []
