"""Waiting for other threads and processes."""

import time
from collections.abc import Callable
from typing import Any, LiteralString

import httpx
import psycopg
from flask.testing import FlaskClient
from psycopg.rows import scalar_row


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return once the condition holds; fail when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.01)


def wait_until_ready(client: httpx.Client | FlaskClient) -> None:
    """Return once the service is ready."""
    wait_until(lambda: client.get("/api/ready").status_code == 200)


def locks_awaited(connection: psycopg.Connection[Any]) -> int:
    """Return how many locks of the server are being waited for, or of all nodes of a cluster."""
    return count_everywhere(connection, "SELECT count(*) FROM pg_locks WHERE NOT granted")


def count_everywhere(connection: psycopg.Connection[Any], query: LiteralString) -> int:
    """Return the count that the query returns on the server, or the sum over all nodes."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        if not cursor.execute("SELECT to_regclass('pg_dist_partition')").fetchone():
            return int(cursor.execute(query).fetchone())
        on_nodes = "SELECT sum(result::int) FROM run_command_on_all_nodes(%s)"
        return int(cursor.execute(on_nodes, [query]).fetchone())
