"""The statements of the feeds read their indexes alone, and no other statement reads these."""

import json
import re

import psycopg
import pytest

from telemetry.database import statements
from telemetry.database.lanes import LANES, WIDTH

PARAMETERS = {
    "positions": [lane * WIDTH + 7 for lane in range(LANES)],
    "tenant_id": "tenant-1",
    "after": "5",
    "row_limit": 101,
    "stale_after": "1h",
}
# The check of a foreign key to the ledger, as PostgreSQL words it.
FOREIGN_KEY_CHECK = """
    SELECT 1 FROM ONLY os_core.audio_runtime_events x
    WHERE tenant_id = 'tenant-1' AND device_id = 'device-1' AND event_id = 1 FOR KEY SHARE OF x
"""
FILL = """
    INSERT INTO os_core.devices (tenant_id, device_id)
    SELECT 'tenant-' || n, 'device-' || n FROM generate_series(0, 9) AS n;
    INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time, change_number)
    SELECT n::text, 'r', 'a', 'j', now(), CASE WHEN n < 3000 THEN 0 ELSE n % 64 * 10^17 + n END
    FROM generate_series(1, 10000) AS n;
    INSERT INTO runtime_events
    (id, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate)
    SELECT n::text, 'api', '/', '/', 1, 0 FROM generate_series(1, 10000) AS n;
    INSERT INTO os_core.audio_runtime_events
    (tenant_id, device_id, event_kind, created_at, idempotency_key, processed_stream_id, row_hash,
     feed_number)
    SELECT
        'tenant-' || n % 10, 'device-' || n % 10, 'VAD_EVENT', 1, n::text, '1', sha256(''),
        CASE WHEN n < 3000 THEN 0 ELSE n % 64 * 10^17 + n END
    FROM generate_series(1, 10000) AS n;
"""


@pytest.fixture(scope="module", params=["empty", "filled", "analysed"])
def plan(databases, request):
    """Explain a statement, on tables in each of these states."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True) as db:
        if request.param != "empty":
            db.execute(FILL)
        if request.param == "analysed":
            db.execute("ANALYZE")
        db.execute("SET enable_seqscan = off")  # as in every session of the service

        def explain(statement, parameters=None):
            query = b"EXPLAIN (FORMAT JSON) " + statement
            return json.dumps(db.execute(query, parameters, prepare=False).fetchone())

        yield explain
    databases.give_back(url)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("runs/feed", "ix_agent_runs_change_number"),
        ("runs/feed_now", "ix_agent_runs_change_number"),
        ("runs/feed_unnumbered", "ix_agent_runs_unnumbered"),
        ("runtime_events/feed", "ix_runtime_events_lane_number"),
        ("runtime_events/feed_now", "ix_runtime_events_lane_number"),
        ("audio_runtime/feed", "ix_audio_runtime_events_tenant_feed"),
        ("audio_runtime/feed_now", "ix_audio_runtime_events_tenant_feed"),
        ("audio_runtime/feed_unnumbered", "ix_audio_runtime_events_unnumbered"),
    ],
)
def test_a_feed_reads_its_index(plan, name, index):
    found = plan(statements.load(name), PARAMETERS)
    assert {*re.findall('"Index Name": "(.*?)"', found)} == {index}
    assert "Seq Scan" not in found


def test_readiness_reads_a_few_entries(plan):
    found = plan(statements.load("database/sequences_behind"))
    assert {*re.findall('"Index Name": "(.*?)"', found)} == {
        "ix_agent_runs_change_number",
        "ix_runtime_events_lane_number",
        "runtime_events_pruned_pkey",
        "audio_runtime_events_pkey",
        "audit_events_pkey",
    }
    assert "Seq Scan" not in found


def test_no_check_of_a_foreign_key_reads_an_index_of_the_feed(plan):
    found = plan(FOREIGN_KEY_CHECK.encode())
    assert "feed" not in found
    assert "unnumbered" not in found
