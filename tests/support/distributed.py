"""Distributed, empty databases for tests, which are used again where that is safe."""

from itertools import count
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from telemetry.database.connection import connect, find_distributed
from tests.support.citus import Cluster
from tests.support.databases import FINGERPRINT, execute

TEMPLATE = "distributed"

# Only the shards that have rows are emptied, and by DELETE: TRUNCATE of a distributed table takes a
# second. As on a replica, foreign keys are not checked; the ledger refuses a DELETE even there.
EMPTY_SHARDS = """
DO $do$
DECLARE
    used regclass;
    has_rows boolean;
    guard name;
BEGIN
    SET LOCAL lock_timeout = '5s';
    SET LOCAL citus.override_table_visibility = off;
    SET LOCAL citus.enable_manual_changes_to_shards = on;
    SET LOCAL citus.enable_ddl_propagation = off;
    SET LOCAL session_replication_role = replica;
    FOR used IN
        SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relname ~ '_[0-9]{6}$' AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', used) INTO has_rows;
        CONTINUE WHEN NOT has_rows;
        guard := (
            SELECT tgname FROM pg_trigger WHERE tgrelid = used AND tgname LIKE 'refuse_change%'
        );
        IF guard IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', used, guard);
        END IF;
        EXECUTE format('DELETE FROM %s', used);
        IF guard IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', used, guard);
        END IF;
    END LOOP;
END
$do$
"""

EMPTY_COORDINATOR = """
    SELECT setval(name::regclass, 1, FALSE) FROM unnest(ARRAY[
        'agent_runs_change_seq', 'runtime_events_number_seq',
        'os_core.audio_runtime_events_event_id_seq', 'os_core.audio_runtime_events_feed_seq',
        'audit.audit_events_audit_event_id_seq'
    ]) AS name;
    TRUNCATE rate_limit_clients, retention_passes, runtime_events_pruned, api_tokens,
        audio_runtime_verifications
"""

Connection = psycopg.Connection[Any]


class Distributed:
    """Distributed databases of one test run, all made from one template.

    A connection to each of its nodes stays open: to open one costs more than what it is used for.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        with psycopg.connect(cluster.url) as connection:
            self._fingerprint = connection.execute(FINGERPRINT).fetchone()
        # Nothing ever connects to the copy.
        cluster.copy_database(TEMPLATE, conninfo_to_dict(cluster.url)["dbname"])
        self._numbers = count(1)
        self._free: list[str] = []
        self._connections: dict[str, list[Connection]] = {}

    def take(self) -> str:
        """Return the URL of a distributed, empty database."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(self._numbers)}"
        url = self._cluster.copy_database(name, TEMPLATE)
        # The triggers of a table say which rows it takes: tests disable some.
        execute(url, f"ALTER DATABASE {name} SET citus.enable_unsafe_triggers = on")
        # The first connection compares the sequences with the tables, as the owner here.
        with connect(url) as connection:
            find_distributed(connection)
        return url

    def give_back(self, url: str) -> None:
        """Empty the database for the next test, or drop it when its schema was changed."""
        if self._is_unchanged(url):
            for connection in self._connections[url]:
                connection.execute(EMPTY_SHARDS)
            self._connections[url][0].execute(EMPTY_COORDINATOR)
            self._free.append(url)
        else:
            self._close(url)
            self._cluster.drop_database(conninfo_to_dict(url)["dbname"])

    def close(self) -> None:
        """Close the connections."""
        for url in [*self._connections]:
            self._close(url)

    def _is_unchanged(self, url: str) -> bool:
        if url not in self._connections or not self._are_open(url):
            self._close(url)
            name = conninfo_to_dict(url)["dbname"]
            self._connections[url] = [
                psycopg.connect(node.database(name), autocommit=True)
                for node in self._cluster.nodes
            ]
        found = self._connections[url][0].execute(FINGERPRINT).fetchone()
        return bool(found == self._fingerprint)

    def _are_open(self, url: str) -> bool:
        """Return whether no test has ended the connections to its database."""
        try:
            for connection in self._connections[url]:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _close(self, url: str) -> None:
        for connection in self._connections.pop(url, ()):
            connection.close()
