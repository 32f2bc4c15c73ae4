"""``distribute`` and ``undistribute`` on a cluster: what they keep, refuse and repeat."""

import subprocess
from typing import Any

import psycopg
import pytest
import sqlparse
from psycopg import errors

from app import create_app
from telemetry.cli import reader
from telemetry.config import Config
from telemetry.health.definitions import DISTRIBUTED_FILE
from telemetry.scale_out.distribute import TABLES
from tests.support import everything
from tests.support.citus import Cluster, command
from tests.support.databases import execute, rights, schema
from tests.support.distributed_definitions_file import generate
from tests.support.in_doubt import running, undistribute_in_doubt
from tests.support.pooled_client import PooledClient
from tests.support.rights import SERVING_ROLE, create_serving_role, serving

ROWS = """
    SELECT (SELECT array_agg(it ORDER BY it.event_id) FROM agent_runs AS it)::text,
        (SELECT array_agg(it ORDER BY it.id) FROM runtime_events AS it)::text,
        (SELECT array_agg(it ORDER BY it.event_id) FROM os_core.audio_runtime_events AS it)::text,
        (SELECT array_agg(it ORDER BY it.device_id) FROM os_core.audio_runtime_current AS it)::text,
        (SELECT array_agg(it ORDER BY it.device_id) FROM os_core.audio_runtime_heads AS it)::text,
        (SELECT array_agg(it ORDER BY it.device_id) FROM os_core.devices AS it)::text,
        (SELECT array_agg(it ORDER BY it.session_id) FROM os_core.sessions AS it)::text,
        (SELECT array_agg(it ORDER BY it.audit_event_id) FROM audit.audit_events AS it)::text,
        (SELECT sum(runs) FROM (
            SELECT runs FROM agent_run_counts WHERE bucket = '-infinity'
            UNION ALL SELECT runs FROM agent_run_count_changes) AS it)::text
"""

# A view in a schema of a DBA is made again with its tables. Citus would give the functions of
# os_core back to every role.
OF_A_DBA = """
    CREATE ROLE dba_reader;
    CREATE ROLE dba;
    CREATE SCHEMA reports;
    CREATE VIEW reports.statuses AS SELECT event_id, status FROM agent_runs;
    CREATE VIEW reports.counts AS SELECT status, count(*) AS runs FROM reports.statuses GROUP BY 1;
    COMMENT ON VIEW reports.counts IS 'why';
    ALTER VIEW reports.counts OWNER TO dba;
    GRANT SELECT ON reports.statuses, telemetry_views.runs, telemetry_views.runtime_events_by_hour,
        audit.audit_events_audit_event_id_seq TO dba_reader;
    GRANT SELECT (runs) ON reports.counts TO dba_reader WITH GRANT OPTION;
    GRANT SELECT (device_id) ON telemetry_views.devices TO dba_reader;
    GRANT SELECT (agent_name), UPDATE (status) ON agent_runs TO dba_reader;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA os_core FROM public;
    ALTER TABLE agent_runs SET (autovacuum_vacuum_scale_factor = 0.01)
"""

OBSTACLES = """
    CREATE TRIGGER copy_run AFTER INSERT ON agent_runs
    FOR EACH ROW EXECUTE FUNCTION number_changed_run();
    CREATE RULE keep_events AS ON DELETE TO runtime_events DO INSTEAD NOTHING
"""
REMOVE_OBSTACLES = """
    DROP TRIGGER copy_run ON agent_runs;
    DROP RULE keep_events ON runtime_events
"""

# A row of the ledger, an event and a run that a worker has prepared, by the step that moves them.
CHANGES = {
    "os_core.audio_runtime_current": "UPDATE {} SET underruns = 4242",
    "runtime_events": """
        INSERT INTO {} (id, recorded_at, source, endpoint, raw_endpoint, runtime_ms,
            runtime_cost_estimate, lane, number)
        VALUES ('in-doubt', now(), 'api', '/', '/', 1, 0, 1, 1)
    """,
    "agent_runs": """
        INSERT INTO {} (event_id, run_id, agent_name, job_type, start_time, change_number)
        VALUES ('in-doubt', 'run', 'agent', 'job', now(), 1)
    """,
}
CHANGED = """
    SELECT (SELECT count(*) FROM os_core.audio_runtime_current WHERE underruns = 4242),
        (SELECT count(*) FROM runtime_events WHERE id = 'in-doubt'),
        (SELECT count(*) FROM agent_runs WHERE event_id = 'in-doubt')
"""


def rows(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return list(connection.execute(ROWS).fetchone() or ())


def objects(url: str) -> list[str]:
    """Return the schema; a CHECK that was printed and read again has fewer brackets."""
    return sorted(it.replace("(", "").replace(")", "") for it in schema(url))


def played(url: str, rounds: range) -> None:
    app = create_app(Config(database_url=serving(url)))
    try:
        statuses = {status for *_, status, _ in everything.play(app, rounds)}
    finally:
        for database in app.extensions["databases"]:
            database.close()
    assert statuses <= {200, 201, 207, 404, 409, 422}


def refusal(url: str, *arguments: str) -> str:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        command(url, *arguments)
    return str(refused.value.stderr)


def bytes_of_rows(url: str) -> list[Any]:
    """Return what the tables take on the coordinator itself."""
    with psycopg.connect(url) as connection:
        query = "SELECT pg_relation_size(to_regclass(unnest(%s::text[])))"
        return connection.execute(query, [TABLES]).fetchall()


def cached_connections(url: str) -> Any:
    with psycopg.connect(url) as connection:
        return connection.execute("SHOW citus.max_cached_conns_per_worker").fetchone()


def test_what_citus_would_not_keep_is_refused(plain_cluster: Cluster) -> None:
    url = plain_cluster.url
    assert "migration(s) pending" in refusal(url, "distribute")
    command(url, "migrate")
    create_serving_role(url)
    execute(url, "CREATE ROLE tenant_reader")
    execute(url, reader.script("tenant_reader"))
    execute(url, OBSTACLES)
    for name in ("distribute", "undistribute"):
        said = refusal(url, name)
        for named in (
            "policy telemetry_reader_tenant_reader on 6 tables",
            "row-level security on 6 tables",
            "rule keep_events on runtime_events",
            "trigger copy_run on agent_runs",
            "`reader --role NAME --undo`",
        ):
            assert named in said
    execute(url, reader.script("tenant_reader", undo=True))
    execute(url, REMOVE_OBSTACLES)


def test_it_keeps_every_row_and_the_schema(plain_cluster: Cluster) -> None:
    url = plain_cluster.url
    execute(url, OF_A_DBA)
    command(url, "grants", "--role", SERVING_ROLE, "--apply")
    pooled = PooledClient(url)
    pooled.put_device_and_change_run("pooled-1")
    before, held = objects(url), rights(url)
    played(url, range(2))
    kept = rows(url)
    assert None not in kept

    command(url, "distribute")
    assert rows(url) == kept
    assert {*bytes_of_rows(url)} <= {(0,), (None,)}
    assert held <= rights(url)
    assert command(url, "verify").returncode == 0
    assert cached_connections(url) == ("16",)
    assert "nothing is left" in command(url, "distribute").stderr
    played(url, range(2, 4))
    pooled.put_device_and_change_run("pooled-2")
    more = rows(url)

    command(url, "undistribute")
    assert objects(url) == before
    assert rights(url) == held
    assert rows(url) == more
    assert cached_connections(url) == ("1",)
    assert command(url, "verify").returncode == 0
    assert "nothing is left" in command(url, "undistribute").stderr
    played(url, range(4, 5))
    pooled.put_device_and_change_run("pooled-3")
    pooled.close()
    most = rows(url)

    execute(url, "ALTER DATABASE telemetry SET citus.max_cached_conns_per_worker = 3")
    command(url, "distribute")
    assert rows(url) == most
    assert cached_connections(url) == ("3",)
    played(url, range(5, 6))
    assert command(url, "verify").returncode == 0


def test_a_tenant_reader_is_refused_where_the_ledger_is_distributed(plain_cluster: Cluster) -> None:
    with pytest.raises(errors.RaiseException, match="distributed"):
        execute(plain_cluster.url, reader.script("tenant_reader"))
    # A release that did not refuse it has left policies, on the copies of Citus too.
    execute(plain_cluster.url, "CREATE POLICY telemetry_everyone ON os_core.devices USING (TRUE)")
    execute(plain_cluster.url, "ALTER TABLE os_core.devices ENABLE ROW LEVEL SECURITY")
    assert "policy telemetry_everyone" in refusal(plain_cluster.url, "undistribute")
    with psycopg.connect(plain_cluster.url, autocommit=True) as connection:
        # Citus passes on the text that it is sent, as psql sends it.
        for statement in sqlparse.split(reader.script("tenant_reader", undo=True)):
            connection.execute(statement.encode())


def test_a_transaction_in_doubt_is_waited_for(plain_cluster: Cluster) -> None:
    undistribute_in_doubt(plain_cluster, CHANGES)
    with psycopg.connect(plain_cluster.url) as connection:
        changed = connection.execute(CHANGED).fetchone()
    assert changed
    assert all(changed)
    command(plain_cluster.url, "rebuild")


def test_a_command_that_was_stopped_goes_on_or_back(plain_cluster: Cluster) -> None:
    url = plain_cluster.url
    command(url, "undistribute")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO os_core.devices (tenant_id, device_id) VALUES ('tenant-1', 'in-doubt')"
        )
        connection.execute("PREPARE TRANSACTION 'a device'")
    with running(url, "distribute") as stopped:
        assert stopped.stderr
        assert any("03_ledger waits for its locks" in line for line in stopped.stderr)
    played(url, range(6, 7))
    kept = rows(url)
    command(url, "undistribute")
    assert rows(url) == kept
    with running(url, "distribute") as going_on:
        assert going_on.stderr
        assert any("03_ledger waits for its locks" in line for line in going_on.stderr)
        execute(url, "COMMIT PREPARED 'a device'")
        assert going_on.wait(60) == 0
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(
            "SELECT FROM os_core.devices WHERE device_id = 'in-doubt'"
        ).rowcount
        connection.execute("DELETE FROM os_core.audio_runtime_heads WHERE device_id = 'in-doubt'")
        connection.execute("DELETE FROM os_core.devices WHERE device_id = 'in-doubt'")
    assert rows(url) == kept


def test_a_dry_run_prints_the_sql_and_changes_nothing(plain_cluster: Cluster) -> None:
    printed = command(plain_cluster.url, "undistribute", "--dry-run").stdout
    assert "SELECT undistribute_table('agent_runs');" in printed
    assert "nothing is left" in command(plain_cluster.url, "distribute").stderr


def test_refusals_are_one_line(plain_cluster: Cluster) -> None:
    without_citus = plain_cluster.coordinator.database("postgres")
    for name in ("distribute", "undistribute"):
        for url, why in (
            (without_citus, "no extension citus"),
            (serving(plain_cluster.url), "is no superuser"),
            (plain_cluster.workers[0].url, "connect to the coordinator"),
        ):
            _, said = refusal(url, name).splitlines()
            assert said.startswith("Error: refused: ")
            assert why in said


def test_an_analyst_would_read_nothing_and_is_refused(plain_cluster: Cluster) -> None:
    url = plain_cluster.url
    execute(url, "CREATE ROLE analyst LOGIN")
    refused = refusal(url, "grants", "--analyst", "analyst", "--apply")
    assert "the tables are distributed: analyst would have no right" in refused


def test_the_definitions_that_differ_are_listed(plain_cluster: Cluster) -> None:
    assert generate(plain_cluster.url) == DISTRIBUTED_FILE.read_text()


def test_an_alteration_is_still_found(plain_cluster: Cluster) -> None:
    url = plain_cluster.url
    alteration = "ALTER TABLE os_core.sessions {} CONSTRAINT sessions_session_id_check"
    execute(url, alteration.format("DROP"))
    try:
        assert "sessions_session_id_check" in command(url, "verify", check=False).stdout
    finally:
        execute(url, f"{alteration.format('ADD')} CHECK (session_id >= 0)")
