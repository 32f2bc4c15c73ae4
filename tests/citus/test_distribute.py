"""``distribute`` and ``undistribute`` on a cluster: what they keep, refuse and repeat."""

import subprocess
from typing import Any

import psycopg
import pytest

from app import create_app
from telemetry.config import Config
from telemetry.health.definitions import DISTRIBUTED_FILE
from tests.support import everything
from tests.support.audio_runtime import event
from tests.support.citus import Cluster, command
from tests.support.databases import execute, schema
from tests.support.distributed_definitions_file import generate
from tests.support.rights import create_serving_role, serving
from tests.support.runs import minimal_run

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


class PooledClient:
    """A client behind a transaction pooler, whose connection outlives the end of the server's.

    The commands end no connection of Citus.
    """

    def __init__(self, url: str) -> None:
        url = f"{serving(url)}&application_name=citus_pooled"
        self._app = create_app(Config(database_url=url, db_prepared_statements=False))
        self._client = self._app.test_client()

    def put_device_and_change_run(self, name: str) -> None:
        device = self._client.put(f"/api/v1/devices/{name}", json={"tenant_id": "tenant-1"})
        assert device.status_code == 201
        # Needs the head of the device.
        path, appended = "/api/v1/audio-runtime/events", event(device_id=name)
        assert self._client.post(path, json=appended).status_code == 201
        assert self._client.post("/api/v1/runs", json=minimal_run(name)).status_code == 201
        change = {"status": "success"}
        assert self._client.patch(f"/api/v1/runs/{name}", json=change).status_code == 200

    def close(self) -> None:
        for database in self._app.extensions["databases"]:
            database.close()


def refusal(url: str, *arguments: str) -> str:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        command(url, *arguments)
    return str(refused.value.stderr)


def cached_connections(url: str) -> Any:
    with psycopg.connect(url) as connection:
        return connection.execute("SHOW citus.max_cached_conns_per_worker").fetchone()


def test_it_keeps_every_row_and_the_schema(plain_cluster: Cluster) -> None:
    url = plain_cluster.url
    assert "migration(s) pending" in refusal(url, "distribute")
    command(url, "migrate")
    create_serving_role(url)
    pooled = PooledClient(url)
    pooled.put_device_and_change_run("pooled-1")
    execute(url, "ALTER TABLE agent_runs SET (autovacuum_vacuum_scale_factor = 0.01)")
    before = objects(url)
    played(url, range(2))
    kept = rows(url)
    assert None not in kept

    command(url, "distribute")
    assert rows(url) == kept
    assert command(url, "verify").returncode == 0
    assert cached_connections(url) == ("16",)
    assert "nothing is left" in command(url, "distribute").stderr
    played(url, range(2, 4))
    pooled.put_device_and_change_run("pooled-2")
    more = rows(url)

    command(url, "undistribute")
    assert objects(url) == before
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


def test_a_command_that_was_stopped_goes_on_or_back(plain_cluster: Cluster) -> None:
    url = plain_cluster.url
    kept = rows(url)
    command(url, "undistribute")
    # The end of a step ends other connections, but for those of Citus.
    with psycopg.connect(url, application_name="citus in a test") as blocker:
        blocker.execute("LOCK TABLE os_core.devices IN ACCESS SHARE MODE")
        with pytest.raises(subprocess.TimeoutExpired):
            command(url, "distribute", seconds=25)
    played(url, range(6, 7))
    kept = rows(url)
    command(url, "undistribute")
    assert rows(url) == kept
    command(url, "distribute")
    assert rows(url) == kept


def test_a_dry_run_prints_the_sql_and_changes_nothing(plain_cluster: Cluster) -> None:
    printed = command(plain_cluster.url, "undistribute", "--dry-run").stdout
    assert "SELECT undistribute_table('agent_runs');" in printed
    assert "nothing is left" in command(plain_cluster.url, "distribute").stderr


def test_refusals_are_one_line(plain_cluster: Cluster) -> None:
    for name in ("distribute", "undistribute"):
        assert "no extension citus" in refusal(
            plain_cluster.coordinator.database("template1"), name
        )
        assert "is no superuser" in refusal(serving(plain_cluster.url), name)
        assert "connect to the coordinator" in refusal(plain_cluster.workers[0].url, name)


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
