"""migrate in a database that holds the runtime_events of an older service, or foreign tables."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from telemetry.migrations import files, runner
from tests.support.command import telemetry, telemetry_process
from tests.support.databases import execute, schema

OLDER = """
    CREATE TABLE runtime_events (
        id varchar PRIMARY KEY, source varchar NOT NULL, endpoint varchar NOT NULL,
        method varchar NOT NULL, status_code integer NOT NULL, runtime_ms double precision NOT NULL,
        idea_id varchar, metadata {metadata}, runtime_cost_estimate double precision NOT NULL,
        recorded_at timestamp with time zone NOT NULL
    );
    CREATE INDEX ix_runtime_events_endpoint ON runtime_events (endpoint);
    CREATE INDEX ix_runtime_events_recorded_at ON runtime_events (recorded_at);
    CREATE INDEX ix_runtime_events_{long} ON runtime_events (idea_id);
    INSERT INTO runtime_events VALUES
        ('rt_1', 'api', '/a', 'GET', 200, 1.5, NULL, '{{}}', 0.1, '2026-01-31T12:00:00Z')
"""
ASIDE = "runtime_events_before_migration"


def make_older(url, metadata="json"):
    execute(url, OLDER.format(metadata=metadata, long="x" * 44))


def migrate(url):
    return telemetry("migrate", DATABASE_URL=url)


def rows(url, statement):
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize("metadata", ["text", "json", "jsonb"])
def test_the_table_of_an_older_service_is_moved_aside(empty_database_url, metadata):
    make_older(empty_database_url, metadata)
    done = migrate(empty_database_url)
    assert done.returncode == 0, done.stderr
    assert f"is now {ASIDE}" in done.stdout
    assert f"import-events --table {ASIDE}" in done.stdout
    assert rows(empty_database_url, f"SELECT id, runtime_ms FROM {ASIDE}") == [("rt_1", 1.5)]
    assert rows(empty_database_url, "SELECT count(*) FROM runtime_events") == [(0,)]
    again = migrate(empty_database_url)
    assert again.returncode == 0
    assert ASIDE not in again.stdout
    assert rows(empty_database_url, f"SELECT id FROM {ASIDE}") == [("rt_1",)]


def test_the_new_table_is_that_of_an_empty_database(empty_database_url, database_url):
    make_older(empty_database_url)
    assert migrate(empty_database_url).returncode == 0
    made = [row for row in schema(empty_database_url) if "before_migration" not in row]
    assert made == schema(database_url)
    indexes = rows(
        empty_database_url,
        f"SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '{ASIDE}'::regclass"
        " ORDER BY 1",
    )
    assert len(indexes) == 4
    assert ("runtime_events_pkey_before_migration",) in indexes


@pytest.mark.long
def test_a_rollback_and_a_second_start_leave_the_moved_table_alone(empty_database_url):
    make_older(empty_database_url)
    assert migrate(empty_database_url).returncode == 0
    runner.rollback(empty_database_url, 1000, destroy_data=False, say=print)
    assert migrate(empty_database_url).returncode == 0
    assert rows(empty_database_url, f"SELECT id FROM {ASIDE}") == [("rt_1",)]


@pytest.mark.long
def test_two_migrators_move_it_once(empty_database_url):
    make_older(empty_database_url)
    with ThreadPoolExecutor(3) as migrators:
        done = [
            *migrators.map(
                lambda _: telemetry_process("migrate", DATABASE_URL=empty_database_url), range(3)
            )
        ]
    assert [it.returncode for it in done] == [0, 0, 0], [it.stderr for it in done]
    assert sum(it.stdout.count(f"is now {ASIDE}") for it in done) == 1
    assert rows(empty_database_url, f"SELECT id FROM {ASIDE}") == [("rt_1",)]


def test_it_keeps_its_name_when_the_new_table_is_not_created(empty_database_url, tmp_path):
    make_older(empty_database_url)
    for file in files.DIRECTORY.iterdir():
        shutil.copy(file, tmp_path)
    (file,) = tmp_path.glob("*_runtime_events_table.sql")
    whole = file.read_text()
    file.write_text(whole + "\nSELECT 1 / 0;\n")
    with pytest.raises(psycopg.errors.DivisionByZero):
        runner.migrate(empty_database_url, print, directory=tmp_path)
    assert rows(empty_database_url, "SELECT id FROM runtime_events") == [("rt_1",)]
    file.write_text(whole)
    runner.migrate(empty_database_url, print, directory=tmp_path)
    assert rows(empty_database_url, f"SELECT id FROM {ASIDE}") == [("rt_1",)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TABLE runtime_events (in_the_way int)", "(it has no column id)"),
        (OLDER.format(metadata="text, more int", long="x"), "(it has a column 'more')"),
        (OLDER.format(metadata="bytea", long="x"), "(its column metadata is bytea)"),
        ("CREATE VIEW runtime_events AS SELECT 1 AS id", "(it is not an ordinary table)"),
        ("CREATE TABLE agent_runs (in_the_way int)", "table agent_runs, which"),
        ("CREATE VIEW agent_runs AS SELECT 1 AS one", "view agent_runs, which"),
        ("CREATE SEQUENCE ix_agent_runs_run_id", "sequence ix_agent_runs_run_id, which"),
        ("CREATE TABLE x (a int); CREATE INDEX agent_runs_pkey ON x (a)", "index agent_runs_pkey"),
        ("CREATE SCHEMA audit", "schema audit, which"),
        ("CREATE FUNCTION holds_rows(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "holds_rows"),
    ],
)
def test_what_is_in_the_way_is_refused_before_any_change(empty_database_url, statement, said):
    execute(empty_database_url, statement.partition("INSERT")[0])
    relations = "SELECT relname FROM pg_class WHERE oid >= 16384 ORDER BY relname"
    before = rows(empty_database_url, relations)
    refused = migrate(empty_database_url)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert said in refused.stderr
    assert "rename" in refused.stderr
    assert "use another database" in refused.stderr
    assert rows(empty_database_url, relations) == before


def test_a_second_older_table_is_refused(empty_database_url):
    make_older(empty_database_url)
    execute(empty_database_url, f"CREATE TABLE {ASIDE} (a int)")
    refused = migrate(empty_database_url)
    assert refused.returncode == 1
    assert f"{ASIDE} too" in refused.stderr
    assert rows(empty_database_url, "SELECT id FROM runtime_events") == [("rt_1",)]


def test_a_table_in_another_schema_is_left_alone(empty_database_url):
    execute(empty_database_url, "CREATE SCHEMA other")
    execute(empty_database_url, "CREATE TABLE other.agent_runs (a int)")
    assert migrate(empty_database_url).returncode == 0
