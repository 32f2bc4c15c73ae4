"""The commands wait for their locks in short tries, so that requests never queue behind them."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from telemetry.database.unlimited import connect_without_time_limit
from telemetry.scale_out import locks
from telemetry.scale_out.distribute import DistributeError, Distribution
from tests.support.citus import Cluster
from tests.support.databases import execute


@pytest.fixture
def blocker(citus: Cluster) -> Iterator[psycopg.Connection]:
    """A transaction that has read each table and stays open, as that of a backup does."""
    with psycopg.connect(citus.url) as connection:
        connection.execute("SELECT FROM os_core.devices")
        yield connection


def test_requests_go_on_while_a_command_waits_for_a_lock(
    citus: Cluster, blocker: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not blocker.closed
    monkeypatch.setattr(locks, "LOCK_SECONDS", 2)
    said: list[str] = []
    failed: list[str] = []

    def undistribute() -> None:
        with connect_without_time_limit(citus.url) as connection:
            command = Distribution(connection, "undistribute", said.append)
            try:
                command.take(command.steps_left()[0])
            except DistributeError as error:
                failed.append(str(error))

    thread = threading.Thread(target=undistribute)
    thread.start()
    while thread.is_alive():
        execute(citus.url, "SET statement_timeout = '1s'; SELECT FROM os_core.devices")
    assert said == ["01_ledger …", "01_ledger waits for its locks …"]
    assert len(failed) == 1
    assert "\n" not in failed[0]
    assert "pg_locks" in failed[0]
