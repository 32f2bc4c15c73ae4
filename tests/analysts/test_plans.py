"""The usual filters of the views are served by indexes."""

import json

import psycopg
import pytest

from tests.pages.test_plans import EVENTS
from tests.runs.test_plans import FILL

RUNS = "SELECT agent_name, duration_ms FROM telemetry_views.runs WHERE created_at >= '2026-01-10'"
HOURS = (
    "SELECT hour, sum(event_count) FROM telemetry_views.runtime_events_by_hour"
    " WHERE hour >= '2026-01-10'"
)
EVENTS_OF_AN_ENDPOINT = (
    "SELECT date_trunc('hour', recorded_at, 'UTC'),"
    " percentile_cont(0.95) WITHIN GROUP (ORDER BY runtime_ms)"
    " FROM telemetry_views.runtime_events WHERE recorded_at >= '2026-01-10'"
)


@pytest.fixture(scope="module")
def filled(databases):
    url = databases.take()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL)
        connection.execute(EVENTS)
        connection.execute("ANALYZE")
        yield connection
    databases.give_back(url)


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (f"{RUNS} AND created_at < '2026-01-10 06:00'", "agent_runs"),
        (f"{RUNS} AND agent_name = 'agent-1'", "agent_runs"),
        (f"{RUNS} AND status = 'failure'", "agent_runs"),
        (f"{HOURS} AND hour < '2026-01-10 06:00' GROUP BY hour", "runtime_events"),
        (f"{HOURS} AND endpoint = '/api/7' GROUP BY hour", "runtime_events"),
        (f"{HOURS} GROUP BY hour", "runtime_events"),
        (f"{EVENTS_OF_AN_ENDPOINT} AND endpoint = '/api/7' GROUP BY 1", "runtime_events"),
        (f"{EVENTS_OF_AN_ENDPOINT} GROUP BY 1", "runtime_events"),
        (
            "SELECT * FROM telemetry_views.devices WHERE tenant_id = 'a' AND device_id = 'b'",
            "devices",
        ),
    ],
)
def test_an_index_finds_the_rows(filled, statement, table):
    filled.execute("SET enable_seqscan = off")
    [[[document]]] = filled.execute("EXPLAIN (FORMAT JSON) " + statement).fetchall()
    plan = document["Plan"] if isinstance(document, dict) else json.loads(document)["Plan"]
    scans = [node for node in nodes(plan) if node.get("Relation Name") == table]
    conditions = [
        node
        for node in nodes(plan)
        if "Index Cond" in node and "infinity" not in node["Index Cond"]
    ]
    assert scans
    assert conditions
    assert not [node for node in nodes(plan) if node["Node Type"] == "Seq Scan"], plan
