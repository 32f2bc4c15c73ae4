"""Commands that run while a worker of a cluster has transactions in doubt."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg

from tests.support.citus import Cluster
from tests.support.service import PROJECT, environment
from tests.support.waiting import wait_until

LARGEST_SHARD = """
    SELECT oid::regclass::text FROM pg_class WHERE oid::regclass::text ~ ('^' || %s || '_[0-9]{6}$')
    ORDER BY pg_relation_size(oid) DESC LIMIT 1
"""


@contextmanager
def running(url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m telemetry`` beside the block, which reads its stderr; kill it after that."""
    process = subprocess.Popen(
        [sys.executable, "-m", "telemetry", *arguments],
        cwd=PROJECT,
        env=environment(DATABASE_URL=url),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def undistribute_in_doubt(cluster: Cluster, changes: dict[str, str]) -> None:
    """Undistribute while each change is in doubt on a worker; commit it when it is waited for.

    ``changes`` has a table, in the order of the steps, and what to do with ``{}``, its shard.
    """
    doubts = [
        (_put_in_doubt(cluster, f"doubt {number}", *change), f"doubt {number}")
        for number, change in enumerate(changes.items())
    ]
    with running(cluster.url, "undistribute") as command:
        for worker, doubt in doubts:
            with psycopg.connect(worker, autocommit=True) as connection:
                waits = partial(connection.execute, "SELECT FROM pg_locks WHERE NOT granted")
                wait_until(lambda waits=waits: waits().rowcount or command.poll() is not None)
                connection.execute(f"COMMIT PREPARED '{doubt}'")
        assert command.wait(60) == 0


def _put_in_doubt(cluster: Cluster, doubt: str, table: str, change: str) -> str:
    """Prepare a change of the largest shard of a worker; return the URL of that worker."""
    for worker in cluster.workers:
        with psycopg.connect(worker.url) as connection:
            connection.execute("SET citus.enable_manual_changes_to_shards = on")
            connection.execute("SET citus.override_table_visibility = off")
            shard = connection.execute(LARGEST_SHARD, [table]).fetchone()
            if shard and connection.execute(change.format(*shard)).rowcount:  # type: ignore[call-overload]
                connection.execute(f"PREPARE TRANSACTION '{doubt}'")
                return worker.url
    raise AssertionError(f"no shard of {table} was changed")
