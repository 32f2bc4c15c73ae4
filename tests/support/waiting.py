"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable
from typing import Any

import psycopg


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return once the condition holds; fail when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def locks_awaited(connection: psycopg.Connection[Any]) -> int:
    """Return how many locks of the server somebody waits for."""
    return connection.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount
