"""The table agent_runs, its statements and its schema agree on the columns and their defaults."""

import re

import pytest

from telemetry.database import statements
from telemetry.runs.rows import ROWS
from telemetry.runs.schema import ListSchema, OutcomeSchema, RunSchema
from tests.support.runs import minimal_run

# Kept for comparing a repeated create with the stored run; no response has it.
INTERNAL = {"changed_fields"}
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
    return [re.match(r"\s*(?:coalesce\()?(?:sent\.)?(\w+)", line)[1] for line in lines]


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


def test_create_and_copy_write_every_field_of_the_schema(table):
    fields = RunSchema().fields.keys()
    created = between("create", r"INSERT INTO agent_runs \(", r"\)")
    assert created == between("create", "SELECT", "FROM json_populate_recordset")
    assert sorted(created) == sorted(fields)
    assert between("copy", r"COPY agent_runs \(", r"\)") == [*fields] == [*ROWS.columns]
    assert fields == table.keys() - MAINTAINED


def test_update_changes_every_field_of_its_schema():
    changed = set(re.findall(r"^ {4}(\w+) = ", statement("update"), re.MULTILINE))
    assert changed == OutcomeSchema().fields.keys() | MAINTAINED


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
        runs[run.pop("event_id")] = run
    assert runs["created"] == runs["copied"] == runs["inserted"]
