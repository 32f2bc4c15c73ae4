"""A policy that hides rows from the role of verify is found; a plain role can verify without one.

Row security does not apply to the superuser that other tests connect as.
"""

import pytest

from tests.support.audio_runtime import event
from tests.support.command import telemetry

URL = "/api/v1/audio-runtime/events"
LEDGER = "os_core.audio_runtime_events"
AUDIT = "audit.audit_events"


@pytest.fixture
def auditor(db, database_url):
    """The URL of a role that may read everything and nothing else."""
    db.execute("CREATE ROLE auditor LOGIN")
    for schema in ("public", "os_core", "audit"):
        db.execute(f"GRANT USAGE ON SCHEMA {schema} TO auditor")
        db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO auditor")
    assert "//postgres:" in database_url
    yield database_url.replace("//postgres:", "//auditor:")
    db.execute("DROP OWNED BY auditor")
    db.execute("DROP ROLE auditor")


@pytest.fixture
def filled(client, cast):
    for device in ("device-1", "device-2"):
        assert client.post(URL, json=event(device_id=device)).status_code == 201
    return cast


def verify(url, *options):
    return telemetry("verify", *options, DATABASE_URL=url)


@pytest.mark.parametrize("options", [[], ["--fast"]])
def test_a_role_that_may_only_read_can_verify(filled, auditor, options):
    done = verify(auditor, *options)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("table", [LEDGER, AUDIT])
@pytest.mark.parametrize("options", [[], ["--fast"]])
def test_a_policy_that_hides_rows_is_found(filled, auditor, db, database_url, table, options):
    db.execute(f"CREATE POLICY own ON {table} FOR SELECT USING (device_id = 'device-1')")
    db.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    done = verify(auditor, *options)
    # It names the table, and then cannot read on: PostgreSQL refuses to hide rows from it.
    assert f"problem=table_differs object={table}" in done.stdout
    assert done.returncode == 2
    assert "row-level security" in done.stderr
    # The policy hides nothing from a superuser.
    assert verify(database_url, *options).returncode == 0
