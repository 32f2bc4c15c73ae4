"""Fills the tables with millions of runs and runtime events in SQL.

Rows are in order of time at a constant rate, ten million in thirty days. A smaller table is a
younger deployment whose last hour is just as busy.
"""

from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.support.databases import execute

SECONDS_APART = 30 * 24 * 3600 / 10_000_000

# Row number n has the key md5(n), so that keys are as scattered as UUIDs.
RUNS = """
    INSERT INTO agent_runs (
        event_id, run_id, agent_name, job_type, status, created_at, updated_at, start_time,
        end_time, duration_ms, items_discovered, items_succeeded, items_failed, product,
        product_family, platform, website, website_section, item_name, git_repo, git_branch,
        git_commit_hash, git_commit_source, git_commit_author, git_commit_timestamp,
        input_summary, output_summary, source_ref, target_ref, error_summary, host, environment,
        trigger_type, metrics_json, context_json, parent_run_id, api_posted, api_posted_at
    )
    SELECT
        md5(n::text), 'run-' || n, 'agent-' || floor(100 * random() ^ 2),
        'job-' || floor(20 * random() ^ 2),
        (ARRAY['running', 'failure', 'partial', 'timeout', 'cancelled', 'success'])
        [least(6, 1 + floor(30 * random())::int)],
        moment, moment, moment - interval '1 minute', moment, 60000, 100, 97, 3, 'product',
        'family', 'linux', 'www.example.org', '/section/' || n %% 100, 'item ' || n,
        'https://github.com/owner/repository-' || n %% 50, 'main', md5(n::text) || 'abcdef01',
        'ci', 'Ada Lovelace <ada@example.org>', moment, repeat('input ', 10),
        repeat('output ', 10), 's3://bucket/in/' || n, 's3://bucket/out/' || n,
        CASE WHEN n %% 10 = 0 THEN 'three items could not be read' END, 'host-' || n %% 40,
        'production', 'schedule', '{"pages": 100, "ratio": 0.97, "tokens": {"in": 5, "out": 7}}',
        '{"region": "eu-west-1", "labels": ["nightly", "full"]}',
        CASE WHEN n %% 10 = 0 THEN 'run-' || n / 10 END, TRUE, moment
    FROM generate_series(1, %(rows)s::bigint) AS n
    CROSS JOIN LATERAL (
        SELECT now() - (%(rows)s - n) * %(apart)s * interval '1 second' AS moment
    ) AS at
"""

EVENTS = """
    INSERT INTO runtime_events (
        id, recorded_at, source, endpoint, raw_endpoint, method, status_code, runtime_ms,
        runtime_cost_estimate, idea_id, origin_idea_id, metadata, lane, number
    )
    SELECT
        md5(n::text), now() - (%(rows)s - n) * %(apart)s * interval '1 second',
        (ARRAY['web', 'web_api', 'worker', 'api'])[least(4, 1 + floor(8 * random())::int)],
        '/api/v1/resource-' || endpoint, '/api/v1/resource-' || endpoint || '?page=' || n %% 9,
        (ARRAY['POST', 'PATCH', 'GET'])[least(3, 1 + floor(8 * random())::int)],
        (ARRAY[500, 503, 404, 400, 422, 201, 200])[least(7, 1 + floor(30 * random())::int)],
        round((2 + exp(7 * random()))::numeric, 3), 0.001, 'idea-' || n %% 500,
        'idea-' || n %% 500, '{"release": "2026.1", "cached": false}', n %% 64, n
    FROM generate_series(1, %(rows)s::bigint) AS n
    CROSS JOIN LATERAL (
        SELECT floor(300 * random() ^ 3) AS endpoint WHERE n > 0
    ) AS chosen
"""

INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition,
        indisprimary AS is_key
    FROM pg_index WHERE indrelid = %s::regclass
"""


TABLES = {"agent_runs": RUNS, "runtime_events": EVENTS}


def fill(url: str, rows: int, apart: float = SECONDS_APART) -> None:
    """Fill both tables with ``rows`` rows that are ``apart`` seconds apart.

    Sets the sequence of the events too.
    """
    with ThreadPoolExecutor(len(TABLES)) as tables:
        list(tables.map(lambda table: _fill(url, table, rows, apart), TABLES))
    execute(url, f"SELECT setval('runtime_events_number_seq', {rows})")


def _fill(url: str, table: str, rows: int, apart: float) -> None:
    """Fill one table without triggers and indexes; building the indexes afterwards is faster."""
    name = sql.Identifier(table)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute(sql.SQL("TRUNCATE {}").format(name))
        indexes = connection.execute(INDEXES, [table]).fetchall()
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
        for index in indexes:
            kind = "ALTER TABLE {0} DROP CONSTRAINT {1}" if index["is_key"] else "DROP INDEX {1}"
            connection.execute(sql.SQL(kind).format(name, sql.Identifier(index["name"])))
        connection.execute(TABLES[table], {"rows": rows, "apart": apart})
        for index in indexes:
            connection.execute(index["definition"])
            if index["is_key"]:
                key = sql.SQL("ALTER TABLE {0} ADD CONSTRAINT {1} PRIMARY KEY USING INDEX {1}")
                connection.execute(key.format(name, sql.Identifier(index["name"])))
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))
