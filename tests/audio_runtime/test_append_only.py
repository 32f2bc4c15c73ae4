"""Nobody changes the ledger or the audit trail, the owner included."""

import psycopg
import pytest

from tests.support.audio_runtime import event

URL = "/api/v1/audio-runtime/events"

LEDGER = "os_core.audio_runtime_events"
AUDIT = "audit.audit_events"


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    ("table", "statement"),
    [
        (LEDGER, "UPDATE os_core.audio_runtime_events SET created_at = 2"),
        (LEDGER, "DELETE FROM os_core.audio_runtime_events"),
        (LEDGER, "TRUNCATE os_core.audio_runtime_events CASCADE"),
        (
            LEDGER,
            "INSERT INTO os_core.audio_runtime_events OVERRIDING SYSTEM VALUE"
            " SELECT * FROM os_core.audio_runtime_events"
            " ON CONFLICT (tenant_id, device_id, event_kind, idempotency_key)"
            " DO UPDATE SET created_at = 2",
        ),
        (AUDIT, "UPDATE audit.audit_events SET severity = 'INFO'"),
        (AUDIT, "DELETE FROM audit.audit_events"),
        (AUDIT, "TRUNCATE audit.audit_events"),
    ],
)
def test_at_k_db_02_append_only_enforced(client, cast, db, role, table, statement):
    client.post(URL, json=event())
    before = cast.everything()
    db.execute(f"SET session_replication_role = {role}")
    with pytest.raises(psycopg.errors.RestrictViolation) as refused:
        db.execute(statement)
    assert "only ever added" in refused.value.diag.message_primary
    assert table in refused.value.diag.message_primary
    assert refused.value.diag.message_hint.startswith("Append a new event")
    assert cast.everything() == before


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("url", [URL, "/api/v1/audit/events"])
def test_at_k_db_02_append_only_enforced_over_http(client, method, url):
    assert getattr(client, method)(url).status_code == 405


@pytest.mark.parametrize("table", ["devices", "sessions"])
def test_the_tenant_of_a_device_or_a_session_can_not_be_changed(cast, db, table):
    before = cast.rows(f"os_core.{table}")
    with pytest.raises(psycopg.errors.RestrictViolation, match="from tenant-1 to tenant-2"):
        db.execute(f"UPDATE os_core.{table} SET tenant_id = 'tenant-2'")
    assert cast.rows(f"os_core.{table}") == before


def test_a_device_can_not_be_deleted_and_bound_anew(cast, db):
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        db.execute("DELETE FROM os_core.devices WHERE device_id = 'device-2'")


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        (table, trigger)
        for table in (LEDGER, AUDIT)
        for trigger in ("refuse_change", "refuse_truncate")
    ],
)
def test_the_service_is_not_ready_without_the_triggers(make_app, db, table, trigger):
    assert make_app().test_client().get("/api/ready").status_code == 200
    db.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    answer = make_app().test_client().get("/api/ready")
    assert answer.status_code == 503
    assert answer.json["detail"]["error"] == "append_only_triggers_disabled"
    assert f"{table}.{trigger}" in answer.json["detail"]["failures"][0]
    db.execute(f"DROP TRIGGER {trigger} ON {table}")
    assert make_app().test_client().get("/api/ready").status_code == 503
