"""A DBA may add columns to every table; nothing that the service does changes."""

import json

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.cli import statement_files
from tests.support.command import telemetry
from tests.support.everything import play
from tests.support.runtime_events import full_event
from tests.support.sql_names import sql_names
from tests.support.waiting import wait_until_ready

TABLES = """
    SELECT oid::regclass::text AS name FROM pg_class
    WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relnamespace::regnamespace::text !~ '^pg_|^information'
"""
PLANNED = [name for name in statement_files.names() if statement_files.read(name).has_plan]
# PostgreSQL 15.20 and the other releases of its day refuse a column with a default then.
WITH_STANDARD_BODY = """
    SELECT pg_proc.oid::regprocedure FROM pg_proc
    WHERE prosqlbody IS NOT NULL AND pronamespace <> 'information_schema'::regnamespace AND EXISTS (
        SELECT FROM pg_type JOIN pg_class ON pg_class.oid = typrelid
        WHERE pg_type.oid = ANY (proargtypes) AND relkind = 'r'
    )
"""
# Columns that have a value in each row.
FILLED = (
    "filled_by_dba text DEFAULT 'x'",
    "is_checked boolean NOT NULL DEFAULT FALSE",
    "noted_at timestamptz NOT NULL DEFAULT now()",
)
# A type that almost nothing accepts: neither = nor an order, and no cast. So where a column of it
# takes the place of something else, PostgreSQL mostly refuses the statement.
ODD_TYPE = "point"
# After this many rounds the driver has prepared each statement.
ROUNDS = 6
SETTINGS = {
    "db_pool_size": 1,
    "rate_limit_enabled": True,
    "rate_limit_rpm": 1_000_000,
}


@pytest.fixture
def second_url(databases):
    """The URL of a second database, whose ids start at 1 too."""
    url = databases.take()
    yield url
    databases.give_back(url)


def add_columns(url):
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as db:
        tables = [row["name"] for row in db.execute(TABLES)]
        assert len(tables) > 12
        columns = [*FILLED, *(f'"{name}" {ODD_TYPE}' for name in sql_names())]
        added = ", ".join(f"ADD COLUMN IF NOT EXISTS {column}" for column in columns)
        for table in tables:
            db.execute(f"ALTER TABLE {table} {added}")


def fold_and_count(url):
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as db:
        # Where runs are distributed, shards fold their own counts.
        db.execute("SELECT fold_agent_run_counts(1000) WHERE to_regclass('pg_dist_shard') IS NULL")
        db.execute("UPDATE agent_runs SET agent_name = 'renamed' WHERE event_id = 'run-0-0'")
        db.execute("DELETE FROM agent_runs WHERE event_id = 'run-0-1'")
        return db.execute("SELECT recount_agent_runs() AS n").fetchone()


@pytest.fixture(scope="module")
def widened(databases):
    """A connection to a database whose tables have a column of every name; nothing is stored."""
    url = databases.take()
    add_columns(url)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    databases.give_back(url)


def test_no_function_refuses_a_column_with_a_default(db):
    assert db.execute(WITH_STANDARD_BODY).fetchall() == []


@pytest.mark.parametrize("name", PLANNED)
def test_every_statement_has_a_plan(widened, name):
    statement = statement_files.read(name)
    widened.execute("EXPLAIN " + statement.text, dict.fromkeys(statement.parameters))


@pytest.mark.long
def test_every_response_stays_the_same(make_app, database_url, second_url):
    plain = make_app(**SETTINGS)
    changed = make_app(database_url=second_url, **SETTINGS)
    expected = play(plain, range(ROUNDS))
    assert play(changed, range(ROUNDS)) == expected
    assert not [it for it in expected if it[2] >= 500]
    add_columns(second_url)
    # The first probe after that reads every definition, on a slow machine for longer than it may.
    wait_until_ready(changed.test_client())
    # The first round again: everything in it exists.
    for rounds in (range(1), range(ROUNDS, ROUNDS + 2)):
        assert play(changed, rounds) == play(plain, rounds)
        assert fold_and_count(second_url) == fold_and_count(database_url)
    # An application that starts now plans every statement again.
    rounds = range(ROUNDS + 2, ROUNDS + 4)
    started = make_app(database_url=second_url, **SETTINGS)
    wait_until_ready(started.test_client())
    assert play(started, rounds) == play(plain, rounds)


@pytest.mark.long
def test_every_command_works(make_app, database_url, db, tmp_path):
    app = make_app(**SETTINGS)
    play(app, range(1))
    add_columns(database_url)
    play(app, range(1, 2))

    def run(*arguments):
        done = telemetry(*arguments, DATABASE_URL=database_url)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    heads = tmp_path / "heads.jsonl"
    run("heads", "--append", str(heads))
    run("verify", "--heads", str(heads))
    run("verify", "--fast")
    play(app, range(2, 3))
    run("verify", "--since", str(heads))
    run("verify", "--export", str(tmp_path / "export.jsonl"))
    db.execute("UPDATE os_core.audio_runtime_current SET underruns = 99")
    assert "3 differed" in run("rebuild")
    run("verify")
    run("migrate", "--status")
    run("migrate")
    event = {**full_event(id="e-1"), "recorded_at": "2026-01-31T12:00:00Z"}
    file = tmp_path / "events.json"
    file.write_text(json.dumps({"events": [event]}))
    run("import-events", str(file))
    db.execute(
        "CREATE TABLE older (id varchar PRIMARY KEY, source varchar, endpoint varchar,"
        " method varchar, status_code integer, runtime_ms float, idea_id varchar, metadata json,"
        " runtime_cost_estimate float, recorded_at timestamptz);"
        "INSERT INTO older VALUES ('o-1', 'api', '/', 'get', 200, 1, NULL, '{}', 0, now())"
    )
    run("import-events", "--table", "older")
    stored = db.execute("SELECT id FROM runtime_events WHERE id IN ('e-1', 'o-1') ORDER BY id")
    assert [row["id"] for row in stored] == ["e-1", "o-1"]
    run("verify")
