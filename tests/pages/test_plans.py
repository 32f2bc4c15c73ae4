"""Each panel has an index, and none reads more than the window that it shows."""

import json

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.database import statements
from tests.runs.test_plans import FILL

EVENTS = """
    INSERT INTO runtime_events (
        id, recorded_at, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate
    )
    SELECT md5(n::text), timestamptz '2026-01-01' + n * interval '1 minute', 'api',
        '/api/' || n % 100, '', n % 1000 + 1, 0
    FROM generate_series(1, 20000) AS n
"""
WINDOW = {
    "created_from": "2026-01-03T00:00:00Z",
    "created_until": "2026-01-03T12:00:00Z",
    "recorded_from": "2026-01-03T00:00:00Z",
    "recorded_until": "2026-01-03T12:00:00Z",
    "created_before_window": "2026-01-02T12:00:00Z",
    "stale_after": "1h",
    "step": "30 minutes",
    "endpoint": "/api/7",
    "agent_name": None,
    "environment": None,
    "source": None,
    "endpoint_prefix": None,
    "idea_id": None,
    "sort": "p95",
    "row_offset": 0,
    "slow_limit": 5,
    "good_share": 0.9,
    "statuses": ["running", "success", "failure", "partial", "timeout", "cancelled"],
    "row_limit": 20,
}
RUN = {
    "event_id": "x",
    "run_id": "run-7",
    "parent_run_id": "run-3",
    "agent_names": ["agent-1", "agent-2"],
    "agent_name": "agent-1",
    "job_type": "job-1",
}
TABLE = dict.fromkeys(
    (
        "agent_name job_type status stale run_id parent_run_id environment error id part"
        " created_after created_before start_time_from start_time_to cursor_created_at"
        " cursor_event_id no_summary"
    ).split()
) | {"searched_since": "2026-01-14T00:00:00Z", "cost_names": ["cost"], "row_limit": 51}
CURSOR = {"cursor_created_at": "2026-01-07T00:00:00Z", "cursor_event_id": "x"}


@pytest.fixture(scope="module")
def db(databases):
    """A database with filled tables, which no test here changes."""
    url = databases.take()
    with psycopg.connect(
        url, autocommit=True, row_factory=dict_row, options="-c enable_seqscan=off"
    ) as connection:
        connection.execute(FILL)
        connection.execute(EVENTS)
        connection.execute("VACUUM ANALYZE agent_runs, runtime_events")
        yield connection
    databases.give_back(url)


@pytest.mark.parametrize(
    ("name", "more", "index"),
    [
        ("states_over_time", {}, "ix_agent_runs_status_created_at"),
        ("running", {}, "ix_agent_runs_status_created_at"),
        ("agents", {}, "ix_agent_runs_agent_name_newest"),
        ("agents_in_environment", {"environment": "prod"}, "ix_agent_runs_"),
        ("latest_runs", RUN, "ix_agent_runs_agent_name_newest"),
        ("failures", {}, "ix_agent_runs_status_created_at"),
        ("endpoints", {}, "ix_runtime_events_recorded_at"),
        ("ideas", {}, "ix_runtime_events_recorded_at"),
        ("endpoint", {}, "ix_runtime_events_endpoint_recorded_at"),
        ("endpoint_over_time", {}, "ix_runtime_events_endpoint_recorded_at"),
        ("get_run", RUN, "agent_runs_pkey"),
        ("family", RUN, "ix_agent_runs_parent_run_id_created_at"),
        ("durations", {**RUN, "created_until": None}, "ix_agent_runs_agent_name"),
        ("same_error", {"error": "KeyError"}, "ix_agent_runs_status_created_at"),
        ("list_runs", TABLE, "ix_agent_runs_created_at"),
        ("list_newer_runs", {**TABLE, **CURSOR}, "ix_agent_runs_created_at"),
        (
            "list_newer_runs",
            {**TABLE, **CURSOR, "status": "failure"},
            "ix_agent_runs_status_created_at",
        ),
        ("list_runs", {**TABLE, "status": "failure"}, "ix_agent_runs_status_created_at"),
        ("list_runs", {**TABLE, "id": "run-7"}, "ix_agent_runs_run_id"),
        ("list_runs", {**TABLE, "part": "run-7"}, "ix_agent_runs_created_at"),
    ],
)
def test_a_panel_has_its_index(db, name, more, index):
    plan = explain(db, f"pages/{name}", {**WINDOW, **more})
    assert index in plan
    assert "Seq Scan" not in plan


def test_agents_are_added_up_from_the_index_alone(db):
    assert "Index Only Scan" in explain(db, "pages/agents", WINDOW)


def explain(db, name, parameters):
    query = b"EXPLAIN (FORMAT JSON) " + statements.load(name)
    return json.dumps(db.execute(query, parameters, prepare=False).fetchone()["QUERY PLAN"])
