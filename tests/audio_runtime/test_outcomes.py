"""Outcomes that only a DBA or an unlucky moment brings about."""

from telemetry.audio_runtime import store
from telemetry.audio_runtime.projection import Projected, project
from tests.support.audio_runtime import event
from tests.support.errors import assert_error

URL = "/api/v1/audio-runtime/events"
REFUSED = "Database integrity error: no_noise"


def refuse_noise(db):
    db.execute(
        "ALTER TABLE os_core.audio_runtime_events"
        " ADD CONSTRAINT no_noise CHECK (idempotency_key <> 'noise')"
    )


def test_a_constraint_of_a_dba_refuses_a_single_event_without_a_reason_code(
    client, cast, db, caplog
):
    refuse_noise(db)
    assert_error(client.post(URL, json=event(idempotency_key="noise")), 400, REFUSED)
    assert f"[ERROR] {REFUSED}" in caplog.messages
    assert cast.events() == []


def test_a_constraint_of_a_dba_refuses_one_event_of_a_batch(client, cast, db):
    refuse_noise(db)
    response = client.post(f"{URL}/batch", json=[event(), event(idempotency_key="noise"), event()])
    assert response.status_code == 200
    assert response.json["errors"] == [
        {"index": 1, "reason_code": "K_FAIL_EVENT_FIELDS_INVALID", "detail": REFUSED}
    ]
    assert [entry["index"] for entry in response.json["results"]] == [0, 2]
    cast.assert_sound()


def test_an_append_is_retried_when_the_projection_changes_during_the_repair(
    client, cast, db, monkeypatch
):
    client.post(URL, json=event())
    db.execute("DELETE FROM os_core.audio_runtime_current")
    repairs = []

    def late(connection, devices):
        repairs.append(devices)
        return Projected(1, 0, []) if len(repairs) == 1 else project(connection, devices)

    monkeypatch.setattr(store, "project", late)
    assert client.post(URL, json=event()).status_code == 201
    assert len(repairs) == 2
    cast.assert_sound()
