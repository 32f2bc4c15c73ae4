"""The table agent_runs, its statements and its schema agree on the columns and their defaults."""

import re

import pytest

from telemetry.database import statements
from telemetry.runs.rows import ROWS
from telemetry.runs.schema import ListSchema, OutcomeSchema, RunSchema
from tests.support.runs import minimal_run

# Kept for comparing a repeated create with the stored run, for the trigger that refuses to undo an
# end, and for the feed; no response has them.
INTERNAL = {"changed_fields", "completed_fields", "reopened_at", "change_number"}
# Set by the database and the statements, never by a client.
MAINTAINED = INTERNAL | {"updated_at"}

INSERT = """
    INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)
    VALUES (%(event_id)s, %(run_id)s, %(agent_name)s, %(job_type)s, %(start_time)s)
"""


def statement(name):
    """Return the text of a statement of runs without its comments."""
    text = (statements.ROOT / "runs" / f"{name}.sql").read_text()
    return re.sub(r"--.*\n", "", text)


def between(name, start, end):
    """Return the column that each line between two parts of a statement names first."""
    lines = re.search(f"{start}\n(.*?)\n{end}", statement(name), re.DOTALL)[1].splitlines()
    stored = [line for line in lines if " AS stale" not in line]
    return [re.match(r"\s*(?:coalesce\()?(?:sent\.)?(\w+)", line)[1] for line in stored]


@pytest.fixture
def table(db):
    """The default of each column of the table, None where it has none."""
    rows = db.execute(
        "SELECT column_name, column_default FROM information_schema.columns"
        " WHERE table_name = 'agent_runs'"
    )
    return {row["column_name"]: row["column_default"] for row in rows}


def test_get_and_list_return_every_column_but_internal_ones(table):
    returned = between("get", "SELECT", "FROM agent_runs")
    assert returned == between("list", "SELECT", "FROM agent_runs")
    assert sorted(returned) == sorted(table.keys() - INTERNAL)


def test_the_feed_returns_what_get_returns_and_the_number(table):
    returned = [*between("get", "SELECT", "FROM agent_runs"), "change_number"]
    assert between("feed_unnumbered", "SELECT", "FROM agent_runs") == returned
    columns = re.findall(r"^    run\.(\w+),?$", statement("feed"), re.MULTILINE)
    assert columns == returned


def test_create_and_copy_write_every_field_of_the_schema(table):
    fields = RunSchema().fields.keys()
    created = between("create", r"INSERT INTO agent_runs \(", r"\)")
    assert created == between("create", "SELECT", "FROM json_populate_recordset")
    assert sorted(created) == sorted(fields)
    assert between("copy", r"COPY agent_runs \(", r"\)") == [*fields] == [*ROWS.columns]
    assert fields == table.keys() - MAINTAINED


def test_update_changes_every_field_of_its_schema():
    changed = set(re.findall(r"^ {4}(\w+) = ", statement("update"), re.MULTILINE))
    assert changed == OutcomeSchema().fields.keys() | MAINTAINED - {
        "completed_fields",
        "change_number",
    }


def test_complete_changes_every_field_of_the_schema_but_the_key():
    changed = set(re.findall(r"^ {4}(\w+) = ", statement("complete"), re.MULTILINE))
    assert changed == (RunSchema().fields.keys() - {"event_id"}) | MAINTAINED - {
        "reopened_at",
        "change_number",
    }


def test_find_differing_knows_the_fields_that_change_while_a_run_is_in_progress():
    named = re.findall(r"^ {20}'(\w+)'", statement("find_differing"), re.MULTILINE)
    synced = ["api_posted", "api_posted_at", "api_retry_count"]
    assert named == [*OutcomeSchema().fields, "git_commit_hash", *synced]


def test_every_filter_of_the_list_is_in_its_statement():
    filters = ListSchema().fields.keys() - {"limit", "offset", "cursor"}
    assert filters <= set(re.findall(r"%\((\w+)\)s", statement("list")))


def test_create_copy_and_the_table_have_defaults_for_the_same_columns(table):
    defaults = {name for name, default in table.items() if default} - MAINTAINED
    assert set(re.findall(r"coalesce\(sent\.(\w+)", statement("create"))) == defaults
    row = ROWS.row([minimal_run().get(name) for name in ROWS.columns])
    assert {ROWS.columns[index] for index in row.unsent} == defaults


def test_create_copy_and_the_table_have_the_same_defaults(client, db):
    client.post("/api/v1/runs", json=minimal_run("created"))
    client.post("/api/v1/runs/batch", json=[minimal_run("copied")])
    db.execute(INSERT, minimal_run("inserted"))
    runs = {}
    for run in db.execute("SELECT * FROM agent_runs").fetchall():
        assert run.pop("created_at") == run.pop("updated_at")
        assert run.pop("change_number") > 0
        runs[run.pop("event_id")] = run
    assert runs["created"] == runs["copied"] == runs["inserted"]
