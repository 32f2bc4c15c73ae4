"""What PostgreSQL itself counts on a node: bytes, commits, syncs, connections."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from bench.scale_out_servers import Node

# Sessions report their counts after ten seconds of silence at the latest.
REPORTED_SECONDS = 11

# Shards are hidden from the catalog of a session unless it asks for them.
VISIBLE = "SET citus.override_table_visibility = off"
COUNTS = """
SELECT
    (SELECT coalesce(sum(pg_relation_size(oid)), 0)::bigint FROM pg_class
        WHERE oid >= 16384 AND relkind IN ('r', 't')) AS row_bytes,
    (SELECT coalesce(sum(pg_relation_size(oid)), 0)::bigint FROM pg_class
        WHERE oid >= 16384 AND relkind = 'i') AS index_bytes,
    (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS wal_bytes,
    (SELECT wal_fpi FROM pg_stat_wal) AS full_pages,
    (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) AS commits,
    (SELECT (to_jsonb(wal) ->> 'wal_sync')::bigint FROM pg_stat_wal AS wal) AS syncs
"""
CONNECTIONS = "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"


class Counts(NamedTuple):
    """Totals since the server's start. ``syncs`` is 0 where PostgreSQL counts them elsewhere."""

    row_bytes: int
    index_bytes: int
    wal_bytes: int
    full_pages: int
    commits: int
    syncs: int


def read(node: Node) -> Counts:
    """Return the counts of a node."""
    with psycopg.connect(node.url, autocommit=True) as connection:
        connection.execute(VISIBLE)
        row = connection.execute(COUNTS).fetchone()
    return Counts(*(value or 0 for value in row or ()))


def between(before: Counts, after: Counts) -> Counts:
    """Return the difference of two results of ``read``."""
    return Counts(*(late - early for early, late in zip(before, after, strict=True)))


@contextmanager
def connections(nodes: Mapping[str, Node]) -> Iterator[dict[str, int]]:
    """Look at each node twice a second and give the most connections seen."""
    most = dict.fromkeys(nodes, 0)
    ended = threading.Event()

    def look() -> None:
        opened = {name: psycopg.connect(node.url, autocommit=True) for name, node in nodes.items()}
        while not ended.wait(0.5):
            for name, connection in opened.items():
                row = connection.execute(CONNECTIONS).fetchone()
                most[name] = max(most[name], row[0] if row else 0)
        for connection in opened.values():
            connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()
