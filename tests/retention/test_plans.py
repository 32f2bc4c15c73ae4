"""A batch reads the rows of the batch by an index, whatever the size of the table."""

import json

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.database import statements
from telemetry.database.pool import session_options
from tests.pages.test_plans import EVENTS
from tests.runs.test_plans import FILL

RUNS_WALK = {
    "after_created_at": "-infinity",
    "after_event_id": "",
    "created_until": "2026-01-14T00:00:00Z",
    "cutoff": "2026-01-14T00:00:00Z",
    "stale_after": "1h",
    "row_limit": 100,
}
EVENTS_WALK = {
    "after_recorded_at": "2026-01-02T00:00:00Z",
    "cutoff": "2026-01-14T00:00:00Z",
    "row_limit": 100,
}


@pytest.fixture(scope="module")
def db(databases):
    """A database with filled tables, which no test here changes."""
    url = databases.take()
    options = session_options(None, 10)
    with psycopg.connect(url, options=options, row_factory=dict_row) as connection:
        connection.autocommit = True
        connection.execute(FILL)
        connection.execute(EVENTS)
        connection.execute("UPDATE agent_runs SET updated_at = created_at")
        connection.execute("VACUUM ANALYZE agent_runs, runtime_events")
        yield connection
    databases.give_back(url)


@pytest.mark.parametrize(
    ("name", "walk", "index", "most"),
    [
        ("prune_agent_runs", RUNS_WALK, "ix_agent_runs_created_at", 2500),
        ("count_agent_runs", RUNS_WALK, "ix_agent_runs_created_at", 200),
        ("prune_runtime_events", EVENTS_WALK, "ix_runtime_events_recorded_at", 2500),
        ("count_runtime_events", EVENTS_WALK, "ix_runtime_events_recorded_at", 200),
    ],
)
def test_it_uses_its_index(db, name, walk, index, most):
    statement = statements.load(f"retention/{name}")
    with db.transaction(force_rollback=True):
        explain = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement
        [row] = db.execute(explain, walk, prepare=False).fetchall()
    [plan] = row["QUERY PLAN"]
    text = json.dumps(plan)
    assert "Seq Scan" not in text
    assert index in text
    read = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    assert read < most
