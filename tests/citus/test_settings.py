"""The settings that the commands give to workers and take back: those of a DBA stay."""

from typing import Literal

import psycopg

from telemetry.database.unlimited import connect_without_time_limit
from telemetry.scale_out.distribute import ROOT, Distribution
from tests.support.citus import Cluster, command
from tests.support.databases import execute

SETTINGS = """
    SELECT entry FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS entry
    WHERE setrole = 0 AND entry NOT LIKE 'telemetry.%' ORDER BY entry COLLATE "C"
"""


def settings(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [entry for (entry,) in connection.execute(SETTINGS).fetchall()]


def change(url: str, what: str) -> None:
    execute(url, f"SET citus.enable_ddl_propagation = off; ALTER DATABASE telemetry {what}")


def run(url: str, name: Literal["distribute", "undistribute"]) -> None:
    with connect_without_time_limit(url) as connection:
        Distribution(connection, name, print).take(ROOT / name / "04_settings.sql")


def test_settings_of_a_dba_stay(citus: Cluster) -> None:
    first, second = (worker.url for worker in citus.workers)
    given = ["TimeZone=UTC", "constraint_exclusion=off", "enable_seqscan=off", "jit=off"]
    assert settings(first) == settings(second) == given
    run(citus.url, "undistribute")
    assert settings(first) == settings(second) == settings(citus.url) == []

    change(citus.url, "SET citus.max_cached_conns_per_worker = 16")
    change(first, "SET jit = on")
    change(second, "SET enable_seqscan = off")
    run(citus.url, "distribute")
    run(citus.url, "distribute")
    assert settings(first) == [*given[:-1], "jit=on"]
    assert settings(second) == given

    change(second, "SET jit = on")
    run(citus.url, "undistribute")
    assert settings(first) == ["jit=on"]
    assert settings(second) == ["enable_seqscan=off", "jit=on"]
    assert settings(citus.url) == ["citus.max_cached_conns_per_worker=16"]


def test_another_time_zone_of_a_worker_is_refused(citus: Cluster) -> None:
    worker = citus.workers[0]
    change(worker.url, "SET timezone = 'Europe/Berlin'")
    refused = command(citus.url, "distribute", check=False).stderr
    assert f"worker 127.0.0.1:{worker.port}" in refused
    assert "ALTER DATABASE telemetry RESET TimeZone" in refused
    change(worker.url, "RESET timezone")
    command(citus.url, "distribute")
    assert "TimeZone=UTC" in settings(worker.url)
    assert "nothing is left" in command(citus.url, "distribute").stderr
