"""Readiness names each sequence that is behind its table."""

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.database import statements
from tests.support.audio_runtime import event
from tests.support.documents import blocks
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

SEQUENCES = (
    "os_core.audio_runtime_events_event_id_seq",
    "audit.audit_events_audit_event_id_seq",
    "os_core.audio_runtime_events_feed_seq",
    "runtime_events_number_seq",
    "agent_runs_change_seq",
)
BEHIND = statements.load("database/sequences_behind")
ALL = """
    SELECT sequence.oid::regclass::text AS name, owner.refobjid::regclass::text AS relation
    FROM pg_class AS sequence
    INNER JOIN pg_depend AS owner ON owner.objid = sequence.oid
        AND owner.classid = 'pg_class'::regclass AND owner.deptype IN ('a', 'i')
    WHERE sequence.relkind = 'S'
"""


@pytest.fixture
def client(make_app, db):
    """A client of an application of its own, which has written to every numbered table."""
    client = make_app().test_client()
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    for number in range(3):
        assert client.post("/api/v1/audio-runtime/events", json=event()).status_code == 201
        assert client.post("/api/runtime/events", json=minimal_event()).status_code == 201
        assert client.post("/api/v1/runs", json=minimal_run(f"run-{number}")).status_code == 201
    return client


def ask(client):
    [probe] = client.application.extensions["probes"]
    probe._started_at = float("-inf")
    return client.get("/api/ready")


def test_every_sequence_is_compared(db):
    found = {row["name"] for row in db.execute(ALL)}
    text = BEHIND.decode()
    assert found == {name for name in found if f"'{name}'" in text}
    assert found >= {*SEQUENCES}


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("setting", ["setval('{}', 1)", "setval('{}', 2, FALSE)"])
def test_a_sequence_behind_is_named(client, db, sequence, setting):
    assert ask(client).status_code == 200
    db.execute(f"SELECT {setting.format(sequence)}")
    response = ask(client)
    assert response.status_code == 503
    detail = response.json["detail"]
    assert detail["error"] == "sequence_behind"
    [failure] = detail["failures"]
    assert failure.startswith(f"sequence {sequence} is behind its table: it gave 1 last")
    db.execute(f"SELECT setval('{sequence}', 3)")
    assert ask(client).status_code == 200


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_sequence_that_was_never_called_is_behind_a_loaded_table(client, db, sequence):
    db.execute(f"ALTER SEQUENCE {sequence} RESTART")
    assert ask(client).json["detail"]["error"] == "sequence_behind"


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_the_next_value_may_be_set_instead_of_the_last(client, db, sequence):
    """setval(…, max + 1, false) is a common recipe; a sequence far ahead has gaps."""
    for setting in (f"setval('{sequence}', 4, FALSE)", f"setval('{sequence}', 1000)"):
        db.execute(f"SELECT {setting}")
        assert ask(client).status_code == 200


def test_a_role_that_may_only_use_sequences_can_compare(client, db, database_url):
    """As docs/database.md grants it to the web process."""
    db.execute("CREATE ROLE web_process")
    try:
        for schema in ("public", "os_core", "audit"):
            db.execute(f"GRANT USAGE ON SCHEMA {schema} TO web_process")
            db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO web_process")
            db.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO web_process")
        db.execute(f"SELECT setval('{SEQUENCES[0]}', 1)")
        with psycopg.connect(database_url, row_factory=dict_row) as connection:
            connection.execute("SET ROLE web_process")
            rows = connection.execute(BEHIND).fetchall()
        assert rows == [{"sequence": SEQUENCES[0], "given": 1, "highest": 3}]
    finally:
        db.execute("DROP OWNED BY web_process")
        db.execute("DROP ROLE web_process")


def test_a_locked_table_changes_nothing(client, db, database_url):
    assert ask(client).status_code == 200
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE os_core.audio_runtime_events")
        assert ask(client).status_code == 200
    db.execute(f"SELECT setval('{SEQUENCES[0]}', 1)")
    assert ask(client).status_code == 503
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE os_core.audio_runtime_events")
        assert ask(client).status_code == 503


def test_a_view_is_no_sequence(db):
    """The function runs with its owner's rights, and a view would run its functions with them."""
    db.execute("CREATE VIEW trap AS SELECT 1::bigint AS last_value, TRUE AS is_called")
    row = db.execute("SELECT last_given('trap') AS given").fetchone()
    assert row == {"given": None}


def test_the_recipe_of_the_documents_sets_every_sequence_right(client, db):
    for sequence in SEQUENCES:
        db.execute(f"ALTER SEQUENCE {sequence} RESTART")
    to_the_tables, ahead = [it for _, it in blocks("docs/backup.md", "sql") if "setval" in it]
    db.execute(to_the_tables)
    assert ask(client).status_code == 200
    assert client.post("/api/v1/audio-runtime/events", json=event()).json["event_id"] == 4
    db.execute(ahead)
    assert ask(client).status_code == 200
    moved = client.post("/api/v1/audio-runtime/events", json=event(idempotency_key="moved"))
    assert moved.json["event_id"] > 10**12
