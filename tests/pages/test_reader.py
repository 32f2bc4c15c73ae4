"""Pages leave connections to the agents."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry import time_limits
from telemetry.database.database import Database
from telemetry.database.errors import DatabaseUnavailable
from telemetry.pages.reader import Reader
from tests.support.waiting import wait_until

LOCK = "SELECT pg_advisory_xact_lock(1)"
WAITING = """
    SELECT count(*) AS waiting
    FROM pg_locks
    INNER JOIN pg_database ON pg_locks.database = pg_database.oid
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""


def test_pages_use_half_of_the_connections(db, database_url):
    database = Database(database_url, pool_size=4, prepared_statements=True)
    reader = Reader(database)
    with ThreadPoolExecutor(2) as threads, db.transaction():
        db.execute(LOCK)
        slow = [threads.submit(reader.fetch_all, LOCK.encode()) for _ in range(2)]
        wait_until(lambda: db.execute(WAITING).fetchone()["waiting"] == 2)
        with time_limits.ending_within(0.2), pytest.raises(DatabaseUnavailable, match="pages"):
            reader.fetch_all(b"SELECT 1")
        assert database.fetch_all(b"SELECT 1 AS one") == [{"one": 1}]
    assert [len(it.result()) for it in slow] == [1, 1]
    assert reader.fetch_all(b"SELECT 1 AS one") == [{"one": 1}]
    database.close()
