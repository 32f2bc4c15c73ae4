"""The recipe sql/roles/analyst.sql, run as a DBA runs it, and what its role can do then."""

import subprocess

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from tests.support.audio_runtime import event
from tests.support.restored import BIN
from tests.support.runs import full_run
from tests.support.runtime_events import minimal_event
from tests.support.service import PROJECT

pytestmark = pytest.mark.one_node("analysts are refused there: Citus reads a shard as the reader")

VIEWS = {"runs", "runtime_events", "runtime_events_by_hour", "devices"}
# A name that has to be quoted.
ROLE = 'an "analyst"'
OTHERS = """
    SELECT oid::regclass::text AS name FROM pg_class
    WHERE relkind IN ('r', 'S') AND oid >= 16384
        AND relnamespace::regnamespace::text IN ('public', 'os_core', 'audit')
"""


def grant(url):
    command = [BIN / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-v", f"role={ROLE}", url]
    done = subprocess.run(
        [*command, "-f", PROJECT / "sql/roles/analyst.sql"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def as_analyst(url):
    [parameters] = [psycopg.conninfo.conninfo_to_dict(url)]
    return psycopg.connect(**{**parameters, "user": ROLE}, autocommit=True, row_factory=dict_row)


@pytest.fixture(scope="module")
def url(databases, default_app):
    """The URL of a database with a run, an event, and a device of each of two tenants."""
    url = databases.take()
    client = default_app(url).test_client()
    client.post("/api/v1/runs", json=full_run())
    client.post("/api/runtime/events", json=minimal_event())
    for number in (1, 2):
        names = {"tenant_id": f"tenant-{number}", "device_id": f"device-{number}"}
        client.put(f"/api/v1/devices/device-{number}", json={"tenant_id": names["tenant_id"]})
        client.post("/api/v1/audio-runtime/events", json=event(**names))
    yield url
    databases.give_back(url)


@pytest.fixture(scope="module")
def owner(url):
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture(scope="module")
def granted(owner, url):
    """The recipe has run twice for the role."""
    owner.execute('CREATE ROLE "an ""analyst""" LOGIN')
    try:
        grant(url)
        grant(url)
        yield
    finally:
        owner.execute('DROP OWNED BY "an ""analyst"""')
        owner.execute('DROP ROLE "an ""analyst"""')


@pytest.fixture
def analyst(granted, url):
    """A connection of the role."""
    with as_analyst(url) as connection:
        yield connection


def test_it_reads_every_view(analyst):
    for view in VIEWS:
        assert analyst.execute(f"SELECT * FROM {view}").fetchall(), view
    assert analyst.execute("SELECT repo_url('git@github.com:o/n') AS it").fetchone()["it"]


def test_it_reads_nothing_else(analyst, owner):
    others = [row["name"] for row in owner.execute(OTHERS)]
    assert len(others) > 16
    for name in others:
        schema, _, table = name.rpartition(".")
        with pytest.raises(errors.InsufficientPrivilege):
            analyst.execute(f"SELECT FROM {schema or 'public'}.{table}")
    relations = analyst.execute(
        "SELECT c.oid::regclass::text AS name FROM pg_class AS c"
        " WHERE relkind IN ('r', 'v', 'm', 'S') AND oid >= 16384 AND has_schema_privilege("
        "relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')"
    )
    assert {row["name"] for row in relations} == VIEWS


def test_it_writes_nothing(analyst, owner):
    """Neither in the read-only transactions that it begins with, nor in others."""
    rights = owner.execute(
        "SELECT c.oid::regclass::text AS name FROM pg_class AS c"
        " CROSS JOIN unnest('{INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER}'::text[]) AS p"
        f" WHERE oid >= 16384 AND relkind IN ('r', 'v')"
        f" AND has_table_privilege('{ROLE}', c.oid, p)"
    )
    assert rights.fetchall() == []
    schemas = owner.execute(
        f"SELECT nspname FROM pg_namespace WHERE has_schema_privilege('{ROLE}', oid, 'CREATE')"
    )
    assert schemas.fetchall() == []
    with pytest.raises(errors.ReadOnlySqlTransaction):
        analyst.execute("CREATE TEMPORARY TABLE mine (n int)")
    analyst.execute("SET default_transaction_read_only = off")
    for statement in (
        "DELETE FROM runs",
        "UPDATE runs SET status = 'success'",
        "INSERT INTO devices (tenant_id, device_id) VALUES ('a', 'b')",
        "DELETE FROM runtime_events_by_hour",
        "SELECT public.recount_agent_runs()",
        "CREATE TABLE telemetry_views.mine (n int)",
    ):
        with pytest.raises((errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState)):
            analyst.execute(statement)


def test_its_queries_are_limited(analyst, owner):
    shown = {
        name: analyst.execute(f"SHOW {name}").fetchone()[name]
        for name in (
            "statement_timeout",
            "idle_in_transaction_session_timeout",
            "idle_session_timeout",
            "default_transaction_read_only",
        )
    }
    assert shown == {
        "statement_timeout": "1min",
        "idle_in_transaction_session_timeout": "1min",
        "idle_session_timeout": "1h",
        "default_transaction_read_only": "on",
    }
    limit = owner.execute(f"SELECT rolconnlimit AS n FROM pg_roles WHERE rolname = '{ROLE}'")
    assert limit.fetchone()["n"] == 4


def test_row_level_security_applies_to_devices(analyst, owner, url):
    """A reader of one tenant sees its devices alone; an analyst sees all, by its own policy."""
    tables = ("os_core.devices", "os_core.audio_runtime_current")
    count = "SELECT count(*) AS n, count(last_event_id) AS with_state FROM devices"
    # As after an upgrade from PostgreSQL 14, which has no such option.
    owner.execute("ALTER VIEW telemetry_views.devices RESET (security_invoker)")
    every = analyst.execute(count).fetchone()
    assert every["with_state"] == 2
    grant(url)
    for table in tables:
        owner.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    assert analyst.execute(count).fetchone()["n"] == 0
    grant(url)
    assert analyst.execute(count).fetchone() == every
    for table in tables:
        owner.execute(f'DROP POLICY "an ""analyst""" ON {table}')
        owner.execute(
            f"CREATE POLICY one ON {table} FOR SELECT"
            " USING (tenant_id = current_setting('telemetry.tenant', TRUE))"
        )
    analyst.execute("SET telemetry.tenant = 'tenant-2'")
    seen = analyst.execute("SELECT tenant_id, last_event_id FROM devices").fetchall()
    assert [row["tenant_id"] for row in seen if row["last_event_id"]] == ["tenant-2"]
    assert len(seen) == 1
