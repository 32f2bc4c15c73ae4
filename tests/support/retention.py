"""Runs and runtime events of some age, as the database would hold them by then."""

from typing import Any

import psycopg

RUNS = """
    INSERT INTO agent_runs
        (event_id, run_id, agent_name, job_type, status, start_time, created_at, updated_at)
    SELECT %(name)s || '-' || n, 'run-' || n, 'agent-' || n %% 3, 'crawl', %(status)s,
        now() - %(age)s::interval, now() - %(age)s::interval - n * interval '1 ms',
        now() - coalesce(%(updated)s::interval, %(age)s::interval)
    FROM generate_series(1, %(count)s) AS n
"""
EVENTS = """
    INSERT INTO runtime_events (
        id, recorded_at, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate
    )
    SELECT %(name)s || '-' || n, now() - %(age)s::interval - n * interval '1 ms', 'api', '/a', '/a',
        1, 0
    FROM generate_series(1, %(count)s) AS n
"""


def add_runs(
    db: psycopg.Connection[Any],
    name: str,
    age: str,
    *,
    count: int = 1,
    status: str = "success",
    updated: str | None = None,
) -> None:
    """Insert runs whose created_at has this age, and updated_at that of ``updated``."""
    parameters = {"name": name, "age": age, "count": count, "status": status, "updated": updated}
    db.execute(RUNS, parameters)


def add_events(db: psycopg.Connection[Any], name: str, age: str, *, count: int = 1) -> None:
    """Insert runtime events of this age."""
    db.execute(EVENTS, {"name": name, "age": age, "count": count})


def names(db: psycopg.Connection[Any], table: str) -> set[str]:
    """Return the names that the rows of a table were added under."""
    key = "event_id" if table == "agent_runs" else "id"
    rows = db.execute(f"SELECT {key} AS name FROM {table}").fetchall()
    return {row["name"].rpartition("-")[0] for row in rows}


def counts_are_right(db: psycopg.Connection[Any]) -> bool:
    """Return whether the counts of runs are those of the table, for each agent."""
    found = db.execute("""
        SELECT agent_name, sum(runs) AS runs FROM (
            SELECT agent_name, runs FROM agent_run_counts WHERE bucket = '-infinity'
            UNION ALL SELECT agent_name, runs FROM agent_run_count_changes
        ) AS counted
        GROUP BY 1 HAVING sum(runs) <> 0
        EXCEPT ALL SELECT agent_name, count(*) FROM agent_runs GROUP BY 1
    """).fetchall()
    total = db.execute("""
        SELECT (SELECT count(*) FROM agent_runs) = coalesce((
            SELECT sum(runs) FROM (
                SELECT runs FROM agent_run_counts WHERE bucket = '-infinity'
                UNION ALL SELECT runs FROM agent_run_count_changes
            ) AS counted), 0) AS same
    """).fetchone()
    return not found and bool(total and total["same"])


def state(db: psycopg.Connection[Any], kind: str = "agent_runs") -> dict[str, Any]:
    """Return what the database knows of the passes over a table."""
    row = db.execute("SELECT * FROM retention_passes WHERE kind = %s", [kind]).fetchone()
    return row or {}
