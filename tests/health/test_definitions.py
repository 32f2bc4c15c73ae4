"""What is not as this release defines it is found, by readiness and by verify."""

import re

import psycopg
import pytest
import sqlparse

from telemetry.database.connection import connect
from telemetry.health.definitions import FILE, differences, hashes_of
from tests.support.command import telemetry
from tests.support.definitions_file import generate, restore

URL = "/api/ready"
LEDGER = "os_core.audio_runtime_events"

ALTERED = {
    "a refusal that refuses nothing": (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN RETURN new; END$$",
        "function_differs object=refuse_change()",
    ),
    "a refusal of another schema": (
        "CREATE SCHEMA other; CREATE FUNCTION other.refuse_change() RETURNS trigger"
        " LANGUAGE plpgsql AS $$BEGIN RETURN new; END$$;"
        f" CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {LEDGER}"
        " FOR EACH ROW EXECUTE FUNCTION other.refuse_change();"
        f" ALTER TABLE {LEDGER} ENABLE ALWAYS TRIGGER refuse_change",
        "function_differs object=refuse_change()",
    ),
    "a function that runs as its owner": (
        f"ALTER FUNCTION os_core.audio_runtime_event_content({LEDGER}) SECURITY DEFINER",
        f"function_differs object=os_core.audio_runtime_event_content({LEDGER})",
    ),
    "a function that computes something else": (
        "CREATE OR REPLACE FUNCTION os_core.canonical_field(field boolean) RETURNS bytea"
        r" LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '\x00'::bytea",
        "function_differs object=os_core.canonical_field(boolean)",
    ),
    "a function that is gone": (
        "DROP FUNCTION os_core.audio_runtime_replay(text, text)",
        "function_missing object=os_core.audio_runtime_replay(text, text)",
    ),
    "a trigger with a condition": (
        f"CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {LEDGER}"
        " FOR EACH ROW WHEN (false) EXECUTE FUNCTION refuse_change();"
        f" ALTER TABLE {LEDGER} ENABLE ALWAYS TRIGGER refuse_change",
        f"trigger_differs object={LEDGER}.refuse_change",
    ),
    "a trigger of other operations": (
        "CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE ON audit.audit_events"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change();"
        " ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_change",
        "trigger_differs object=audit.audit_events.refuse_change",
    ),
    "a trigger that a replica does not fire": (
        f"ALTER TABLE {LEDGER} ENABLE TRIGGER refuse_truncate",
        f"trigger_differs object={LEDGER}.refuse_truncate",
    ),
    "another trigger that is gone": (
        "DROP TRIGGER begin_chain ON os_core.devices",
        "trigger_missing object=os_core.devices.begin_chain",
    ),
    "a function that a default calls": (
        "CREATE OR REPLACE FUNCTION take_lane(lock_class integer) RETURNS bigint"
        " LANGUAGE sql STABLE AS 'SELECT 0::bigint'",
        "function_differs object=take_lane(integer)",
    ),
    "no dedupe index": (
        "DROP INDEX os_core.ux_audio_runtime_events_dedupe",
        "index_missing object=os_core.ux_audio_runtime_events_dedupe",
    ),
    "a dedupe index of other columns": (
        "DROP INDEX os_core.ux_audio_runtime_events_dedupe;"
        f" CREATE UNIQUE INDEX ux_audio_runtime_events_dedupe ON {LEDGER}"
        " (tenant_id, device_id, event_kind, idempotency_key, event_id)",
        "index_differs object=os_core.ux_audio_runtime_events_dedupe",
    ),
    "a dedupe index that is not valid": (
        "UPDATE pg_index SET indisvalid = FALSE"
        " WHERE indexrelid = 'os_core.ux_audio_runtime_events_dedupe'::regclass",
        "index_differs object=os_core.ux_audio_runtime_events_dedupe",
    ),
    "a table that a crash empties": (
        "ALTER TABLE os_core.audio_runtime_current SET UNLOGGED",
        "table_differs object=os_core.audio_runtime_current",
    ),
    "a ledger that a crash empties": (
        f"ALTER TABLE audit.audit_events DROP CONSTRAINT audit_events_source_event_fkey;"
        f" ALTER TABLE os_core.audio_runtime_current DROP CONSTRAINT"
        " audio_runtime_current_last_event_fkey;"
        " ALTER TABLE os_core.audio_runtime_heads DROP CONSTRAINT audio_runtime_heads_event_fkey;"
        f" ALTER TABLE {LEDGER} DROP CONSTRAINT audio_runtime_events_device_fkey;"
        f" ALTER TABLE {LEDGER} DROP CONSTRAINT audio_runtime_events_session_fkey;"
        f" ALTER TABLE {LEDGER} SET UNLOGGED",
        f"table_differs object={LEDGER}",
    ),
    "a rule in place of an insert": (
        f"CREATE RULE swallow AS ON INSERT TO {LEDGER} DO INSTEAD NOTHING",
        f"table_differs object={LEDGER}",
    ),
    "a check that is gone": (
        f"ALTER TABLE {LEDGER} DROP CONSTRAINT audio_runtime_events_event_kind_check",
        f"constraint_missing object={LEDGER}.audio_runtime_events_event_kind_check",
    ),
    "a check that is not valid": (
        f"ALTER TABLE {LEDGER} DROP CONSTRAINT audio_runtime_events_event_id_check;"
        f" ALTER TABLE {LEDGER} ADD CONSTRAINT audio_runtime_events_event_id_check"
        " CHECK (event_id > 0) NOT VALID",
        f"constraint_differs object={LEDGER}.audio_runtime_events_event_id_check",
    ),
    "a foreign key that is not kept": (
        "ALTER TABLE os_core.audio_runtime_heads DISABLE TRIGGER ALL",
        "constraint_differs object=os_core.audio_runtime_heads.audio_runtime_heads_device_fkey",
    ),
    "a column that may be NULL": (
        f"ALTER TABLE {LEDGER} ALTER row_hash DROP NOT NULL",
        f"column_differs object={LEDGER}.row_hash",
    ),
    "an identity that clients may choose": (
        f"ALTER TABLE {LEDGER} ALTER event_id SET GENERATED BY DEFAULT",
        f"column_differs object={LEDGER}.event_id",
    ),
}

# What is not there where the ledger is distributed.
OF_ONE_NODE = {
    "another trigger that is gone": "the request that makes a device begins its chain",
    "an identity that clients may choose": "a default draws the ids",
}

OF_A_SHARD = re.compile(r"_\d{6} is missing")

ADDED = """
    ALTER TABLE audit.audit_events ADD COLUMN note text DEFAULT 'x';
    ALTER TABLE os_core.devices ADD COLUMN note text DEFAULT 'x';
    ALTER TABLE os_core.audio_runtime_heads ADD COLUMN note text DEFAULT 'x';
    ALTER TABLE os_core.audio_runtime_events ADD CONSTRAINT late CHECK (created_at > 9);
    CREATE INDEX ON os_core.audio_runtime_events (created_at);
    ALTER INDEX os_core.ux_audio_runtime_events_dedupe SET (fillfactor = 70);
    ALTER TABLE os_core.audio_runtime_events SET (autovacuum_vacuum_scale_factor = 0.01);
    CREATE FUNCTION audit.extra() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER extra BEFORE INSERT ON audit.audit_events
        FOR EACH ROW EXECUTE FUNCTION audit.extra();
    COMMENT ON FUNCTION refuse_change() IS 'x';
    ALTER FUNCTION os_core.audio_runtime_replay(text, text) COST 500 ROWS 2;
    CREATE TABLE os_core.extra (id int);
    CREATE VIEW audit.extra_view AS SELECT tenant_id FROM audit.audit_events;
"""


@pytest.fixture
def client(make_app):
    """A client of an application of its own, whose probe's result is fresh for a second."""
    return make_app().test_client()


def each(db, statements):
    """Run statements one by one: Citus passes on the text of what it is sent."""
    for statement in sqlparse.split(statements):
        db.execute(statement)


def ask_again(client):
    [probe] = client.application.extensions["probes"]
    probe._started_at = float("-inf")
    return client.get(URL)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(it, marks=pytest.mark.one_node(OF_ONE_NODE[it])) if it in OF_ONE_NODE else it
        for it in ALTERED
    ],
)
def test_what_was_altered_is_named(client, db, database_url, name):
    statements, line = ALTERED[name]
    assert client.get(URL).status_code == 200
    each(db, statements)
    response = ask_again(client)
    assert response.status_code == 503
    detail = response.json["detail"]
    assert detail["error"] == "schema_altered"
    object_ = f"{line.partition('_')[0]} {line.partition('object=')[2]} "
    assert any(failure.startswith(object_) for failure in detail["failures"])
    done = telemetry("verify", "--fast", DATABASE_URL=database_url)
    assert f"tenant_id=- device_id=- event_id=- problem={line}" in done.stdout.splitlines()
    assert done.returncode in (1, 2)  # 2 where the rows cannot be checked without it


@pytest.mark.parametrize("table", [LEDGER, "audit.audit_events"])
def test_disabled_triggers_come_first(client, db, table):
    assert client.get(URL).status_code == 200
    db.execute("DROP INDEX os_core.ux_audio_runtime_events_dedupe")
    db.execute(f"ALTER TABLE {table} DISABLE TRIGGER refuse_change")
    detail = ask_again(client).json["detail"]
    assert detail["error"] == "append_only_triggers_disabled"
    failures = [it for it in detail["failures"] if not OF_A_SHARD.search(it)]
    assert failures == [f"trigger {table}.refuse_change is missing or disabled"]


def test_a_locked_table_changes_nothing(client, db, database_url):
    assert client.get(URL).status_code == 200
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE os_core.devices")
        db.execute("CREATE INDEX ON os_core.audio_runtime_events (created_at)")
        assert ask_again(client).status_code == 200
        db.execute("DROP INDEX os_core.ux_audio_runtime_events_dedupe")
        assert ask_again(client).status_code == 200
    assert ask_again(client).status_code == 503


def test_what_was_put_right_is_ready_again(client, db):
    db.execute(f"ALTER TABLE {LEDGER} ENABLE TRIGGER refuse_change")
    assert client.get(URL).status_code == 503
    db.execute(f"ALTER TABLE {LEDGER} ENABLE ALWAYS TRIGGER refuse_change")
    assert ask_again(client).status_code == 200


def test_what_a_dba_adds_is_no_difference(client, db, database_url):
    each(db, ADDED)
    assert client.get(URL).status_code == 200
    assert telemetry("verify", DATABASE_URL=database_url).returncode == 0


def test_a_newer_schema_has_definitions_of_its_own(client, db, database_url):
    """The previous release serves on while the next one is deployed; only verify compares."""
    db.execute(
        "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999_new')"
    )
    db.execute("DROP INDEX os_core.ux_audio_runtime_events_dedupe")
    assert client.get(URL).status_code == 200
    assert telemetry("verify", DATABASE_URL=database_url).returncode == 1
    db.execute(f"ALTER TABLE {LEDGER} DISABLE TRIGGER refuse_change")
    assert ask_again(client).status_code == 503


@pytest.mark.parametrize("path", ["os_core, audit, public", "pg_catalog", "public, audit"])
def test_search_paths_do_not_matter(database_url, db, path):
    with connect(database_url) as connection:
        connection.execute(f"SET search_path = {path}")
        assert differences(hashes_of(connection)) == []


def test_a_checkout_with_other_line_ends_does_not_matter(db, database_url):
    [source] = db.execute(
        "SELECT pg_get_functiondef('refuse_change()'::regprocedure) AS text"
    ).fetchall()
    db.execute(source["text"].replace("\n", "\r\n"))
    with connect(database_url) as connection:
        assert differences(hashes_of(connection)) == []


def test_a_restored_database_has_the_same_definitions(empty_database_url, database_url):
    restore(empty_database_url)
    assert FILE.read_text(encoding="utf-8") == generate(database_url, empty_database_url), (
        "make schema writes it"
    )
    with connect(empty_database_url) as connection:
        assert differences(hashes_of(connection)) == []
