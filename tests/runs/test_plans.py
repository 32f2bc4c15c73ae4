"""Every filter has an index; metadata and metrics do not read the whole table."""

import json
import re

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.database import statements
from telemetry.runs.schema import ListSchema

RUNS = 20_000

NOTHING = dict.fromkeys(set(ListSchema().fields) - {"limit", "offset", "cursor"}) | {
    "cursor_created_at": None,
    "cursor_event_id": None,
    "stale": None,
    "stale_after": "1h",
    "row_limit": 101,
    "row_offset": 0,
}

FILL = f"""
    INSERT INTO agent_runs (
        event_id, run_id, agent_name, job_type, status, created_at, start_time, parent_run_id
    )
    SELECT
        md5(n::text), 'run-' || n, 'agent-' || n % 50, 'job-' || n % 200,
        (ARRAY['running', 'success', 'failure'])[1 + (n % 1000 > 0)::int + (n % 500 = 1)::int],
        timestamptz '2026-01-01' + n * interval '1 minute',
        timestamptz '2026-01-01' + n * interval '1 minute',
        CASE WHEN n % 10 = 0 THEN 'run-' || n / 10 END
    FROM generate_series(1, {RUNS}) AS n
"""


@pytest.fixture(scope="module")
def db(databases):
    """A database with a filled table, which no test here changes."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(FILL)
        connection.execute("VACUUM ANALYZE agent_runs, agent_run_counts")
        yield connection
    databases.give_back(url)


@pytest.fixture
def plan(db):
    """Explain a statement that the service sends, over the filled table."""

    def explain(name, parameters):
        query = b"EXPLAIN (FORMAT JSON) " + statements.load(name)
        return json.dumps(db.execute(query, parameters, prepare=False).fetchone()["QUERY PLAN"])

    return explain


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "ix_agent_runs_created_at"),
        ({"status": "running"}, "ix_agent_runs_status_created_at"),
        ({"agent_name": "agent-1"}, "ix_agent_runs_agent_name_newest"),
        (
            {"agent_name": "agent-1", "status": "failure"},
            "ix_agent_runs_agent_name_status_newest",
        ),
        ({"job_type": "job-7"}, "ix_agent_runs_job_type_created_at"),
        ({"stale": True}, "ix_agent_runs_status_created_at"),
        ({"run_id": "run-7"}, "ix_agent_runs_run_id"),
        ({"parent_run_id": "run-7"}, "ix_agent_runs_parent_run_id_created_at"),
        ({"created_before": "2026-01-03T00:00:00Z"}, "ix_agent_runs_created_at"),
        ({"created_after": "2026-01-03T00:00:00Z"}, "ix_agent_runs_created_at"),
        (
            {"start_time_from": "2026-01-03T00:00:00Z", "start_time_to": "2026-01-03T01:00:00Z"},
            "ix_agent_runs_start_time",
        ),
        (
            {"cursor_created_at": "2026-01-05T00:00:00Z", "cursor_event_id": "x"},
            "ix_agent_runs_created_at",
        ),
    ],
)
def test_a_filter_has_its_index(plan, filters, index):
    found = plan("runs/list", {**NOTHING, **filters})
    assert index in found
    assert "Seq Scan" not in found


@pytest.mark.parametrize("statement", ["runs/get", "runs/find_any", "runs/find_differing"])
def test_a_run_is_found_by_its_key(plan, statement):
    parameters = {
        "event_id": "x",
        "ids": ["x", "y"],
        "runs": '[{"event_id": "x"}]',
        "stale_after": "1h",
        "agents": None,
    }
    found = plan(statement, parameters)
    assert "agent_runs_pkey" in found
    assert "Seq Scan" not in found


def test_metadata_jumps_from_name_to_name(plan):
    found = plan("runs/metadata", {})
    assert re.search("ix_agent_runs_agent_name_(status_)?newest", found)
    assert "ix_agent_runs_job_type_created_at" in found
    assert not re.search("Seq Scan", found)


def test_metrics_reads_the_counts_and_ten_minutes_of_runs(plan):
    found = plan("runs/metrics", {})
    assert found.count("agent_run_counts_pkey") == 2
    assert "ix_agent_runs_created_at" in found
    assert re.findall('"Seq Scan".*?"Relation Name": "(.*?)"', found) == ["agent_run_count_changes"]
