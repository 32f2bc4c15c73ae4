"""python -m telemetry explain NAME [param=value …]."""

import json
import re

import psycopg
import pytest

from telemetry.cli import statement_files
from telemetry.database import statements
from telemetry.url_parts import redact_url
from tests.support.audio_runtime import event
from tests.support.command import telemetry
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event
from tests.support.service import free_port
from tests.support.statements import DEVICE, arguments

pytestmark = pytest.mark.one_node("explains the statements of one node")

STATEMENTS = statement_files.names()

NO_PLAN = {
    "database/begin",
    "database/commit",
    "database/create_statement_statistics",
    "database/explain_analyze_json",
    "database/explain_analyze_text",
    "database/explain_json",
    "database/explain_text",
    "database/preload_statement_statistics",
    "migrations/move_aside",
    "migrations/reset_session",
    "runs/copy",
}

TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^pg_|^inf'
"""


def rows(url):
    """Return all rows of all tables."""
    with psycopg.connect(url) as connection:
        tables = [table for (table,) in connection.execute(TABLES)]
        return {
            table: sorted(connection.execute(f"SELECT t::text FROM {table} AS t").fetchall())
            for table in tables
        }


@pytest.fixture(scope="module")
def filled(databases, default_app):
    """The URL of a database with a run, a runtime event and a device with a ledger, and its rows.

    It is the same for all tests of the module, which change nothing in it.
    """
    url = databases.take()
    client = default_app(url).test_client()
    client.put("/api/v1/devices/device-a", json={"tenant_id": "tenant-a"})
    sent = {
        "/api/v1/runs": minimal_run(),
        "/api/runtime/events": minimal_event(id="event-1"),
        "/api/v1/audio-runtime/events": event(**DEVICE),
    }
    for path, body in sent.items():
        assert client.post(path, json=body).status_code == 201
    yield url, rows(url)
    databases.give_back(url)


@pytest.fixture
def explain(filled):
    """Explain a statement in that database; ``environ`` are variables of the service."""

    def run(*arguments, **environ):
        return telemetry("explain", *arguments, **{"DATABASE_URL": filled[0], **environ})

    return run


@pytest.mark.parametrize("name", [it for it in STATEMENTS if it not in NO_PLAN])
def test_every_statement_file_can_be_explained(explain, name):
    done = explain(name, *arguments(name))
    assert done.returncode == 0, done.stderr
    assert "(cost=" in done.stdout
    assert "actual time" not in done.stdout
    assert done.stderr.startswith(f"sql/{name}.sql in postgresql://")


@pytest.mark.parametrize("name", [it for it in STATEMENTS if it not in NO_PLAN])
def test_every_statement_file_can_be_run_without_changing_a_row(explain, filled, name):
    done = explain(name, *arguments(name), "--analyze")
    assert done.returncode == 0, done.stderr
    assert "(actual time=" in done.stdout
    url, before = filled
    assert rows(url) == before


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("runs/update", r"Update on agent_runs .*\(actual time=.* rows=1"),
        ("runs/create", r"Tuples Inserted: 1\n\s+Conflicting Tuples: 1"),
        ("audio_runtime/append", r"Insert on audio_runtime_events .* rows=1"),
        ("migrations/forget_checksum", r"Delete on migration_checksums .*\(actual time="),
    ],
)
def test_analyze_runs_the_statement(explain, name, step):
    plan = explain(name, *arguments(name), "--analyze").stdout
    assert re.search(step, plan)
    assert "Buffers: shared hit=" in plan


@pytest.mark.parametrize("name", sorted(NO_PLAN))
def test_a_statement_without_a_plan_is_named_in_one_line(explain, name):
    done = explain(name)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"Error: {name} is a [A-Z]+ statement, which has no plan\n", done.stderr)


def test_the_plan_is_made_with_the_settings_of_the_service(explain):
    assert "Settings: enable_seqscan = 'off', jit = 'off'" in explain("runs/list").stdout
    bitmap = "enable_bitmapscan = 'off'"
    name = "audio_runtime/verify_sessions"
    assert bitmap in explain(name, *arguments(name)).stdout
    assert bitmap not in explain("runs/list").stdout


@pytest.mark.parametrize("name", ["runs/get", "sql/runs/get.sql", "./sql/runs/get.sql"])
def test_a_statement_is_named_by_its_room_or_its_path(explain, name):
    assert "agent_runs_pkey" in explain(name, "event_id=event-1").stdout


def test_a_file_name_is_enough_when_it_is_unique(explain):
    assert "sql/runs/find_any.sql in" in explain("find_any", 'ids=["a"]').stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list"], "'list' is not one file; say audit/list or runs/list or runtime_events/list"),
        (["rate_limit"], "'rate_limit' is not one file; say rate_limit/hit"),
        (["runs/lst"], "no statement file is named 'runs/lst'; explain without a name lists all"),
        (["../runs/list"], "no statement file is named '../runs/list'"),
        (["runs/get", "id=a"], "runs/get has no parameter 'id'; its parameters: event_id"),
        (["runs/metadata", "id=a"], "runs/metadata has no parameter 'id'; its parameters: none"),
        (["runs/get", "event_id"], "'event_id' is not of the form param=value"),
        (["runs/get", "event_id=a", "event_id=b"], "event_id is given twice"),
        (["runs/get"], "runs/get needs a value for event_id; its parameters: event_id"),
        (["runs/get", "event_id=\udcff"], "event_id: not UTF-8"),
        (["pending_migrations", "migrations=[a"], "migrations: not a JSON array"),
        (["runs/list", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(explain, arguments, message):
    done = explain(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs/list", "row_limit=ten"], "runs/list: row_limit: invalid input syntax for type bi"),
        (["runs/list", "created_after=noon"], "runs/list: created_after: invalid input syntax"),
        (["runs/create", "runs=[{"], "runs/create: runs: invalid input syntax for type json: "),
        (["runs/list", "row_limit=-1", "--analyze"], "runs/list: LIMIT must not be negative"),
        (["runs/create", "runs=[{}]", "--analyze"], 'runs/create: null value in column "event_id"'),
    ],
)
def test_an_error_of_postgresql_is_one_line_and_names_the_parameter(explain, arguments, message):
    done = explain(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {message}")


def test_a_filter_that_is_left_out_is_null(explain):
    done = explain("runs/list", "status=failure", "row_limit=5")
    assert "Index Cond: (status = 'failure'::text)" in done.stdout
    assert "agent_name" not in done.stdout
    assert "; row_offset=0; stale_after=1h; NULL: agent_name, job_type, run_id" in done.stderr


def test_a_page_has_the_size_that_the_service_reads(explain):
    assert "; row_limit=101; row_offset=0; stale_after=1h; NULL: " in explain("runs/list").stderr


def test_a_value_is_never_a_part_of_the_statement(explain, filled):
    hostile = "x'; DROP TABLE agent_runs; --%(run_id)s"
    done = explain("runs/list", f"status={hostile}", "--analyze")
    assert done.returncode == 0, done.stderr
    assert "'x''; DROP TABLE agent_runs; --%(run_id)s'::text" in done.stdout
    assert rows(filled[0]) == filled[1]


@pytest.mark.parametrize("array", ['["0001_a", "b\\"c,d"]', '{0001_a,"b\\"c,d"}'])
def test_an_array_is_json_or_postgresqls_own_form(explain, array):
    done = explain("pending_migrations", f"migrations={array}", "--analyze")
    assert re.search("Function Scan on unnest known .* rows=2", done.stdout)


def test_json_is_one_document(explain):
    done = explain("runs/list", "--format", "json", "--analyze")
    (plan,) = json.loads(done.stdout)
    assert plan["Plan"]["Node Type"] == "Limit"
    assert plan["Plan"]["Shared Hit Blocks"] > 0
    assert plan["Settings"]["enable_seqscan"] == "off"


def test_statements_of_runtime_events_are_explained_in_their_database(explain, databases):
    url = databases.take()
    try:
        for name, place in (("runtime_events/list", url), ("runs/list", None)):
            done = explain(name, "--analyze", RUNTIME_DATABASE_URL=url)
            assert done.returncode == 0
            assert (f"in {redact_url(url)};" in done.stderr) == (place == url)
    finally:
        databases.give_back(url)


def test_without_a_name_it_lists_all_statements_with_their_first_sentence():
    done = telemetry("explain")
    assert done.returncode == 0
    listed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert sorted(listed) == STATEMENTS
    for name, sentence in listed.items():
        header = (statements.ROOT / f"{name}.sql").read_text().replace("\n-- ", " ")
        assert header.startswith(f"-- {sentence} ")
        assert sentence.endswith(".")


def test_without_a_database_it_says_what_to_set():
    done = telemetry("explain", "runs/metadata")
    assert done.returncode == 1
    assert done.stderr == "Error: no database is configured: set DATABASE_URL\n"


def test_a_database_without_the_schema_is_named_as_such(explain, empty_database_url):
    done = explain("runs/metadata", DATABASE_URL=empty_database_url)
    assert done.returncode == 1
    assert done.stderr == (
        'Error: runs/metadata: relation "agent_runs" does not exist;'
        " python -m telemetry migrate brings the schema up to date\n"
    )


def test_a_database_that_is_down_is_one_line(explain):
    url = f"postgresql://127.0.0.1:{free_port()}/x"
    done = explain("runs/metadata", DATABASE_URL=url)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "Connection refused" in done.stderr
