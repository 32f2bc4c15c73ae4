"""A cluster of Citus on this machine: a coordinator and workers, from ``CITUS_PGBIN``.

The folder named by that variable holds ``initdb`` and ``pg_ctl`` of a PostgreSQL whose extensions
include citus.
"""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.databases import FINGERPRINT, execute
from tests.support.rights import SERVING_ROLE, create_serving_role
from tests.support.server import folder
from tests.support.service import PROJECT, environment, free_port

WHY_SKIPPED = "CITUS_PGBIN is not set: no PostgreSQL with the extension citus (see CONTRIBUTING.md)"

# Nothing here has to outlive a power cut. Few shards: each costs a round trip per statement.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_preload_libraries = 'citus'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = logical
max_connections = 200
max_prepared_transactions = 200
max_wal_senders = 20
max_replication_slots = 20
max_worker_processes = 20
max_locks_per_transaction = 256
shared_buffers = 64MB
log_min_messages = warning
citus.shard_count = 8
citus.enable_statistics_collection = off
citus.node_conninfo = 'sslmode=disable'
"""


class Node:
    """One server of a cluster."""

    def __init__(self, bin_folder: Path, data: Path) -> None:
        self._bin = bin_folder
        self.data = data
        self.port = free_port()
        # With parameters, so that a test can append more of them.
        self.url = self.database("telemetry")

    def database(self, name: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://postgres:@/{name}?host=127.0.0.1&port={self.port}"

    def create_database(self, name: str) -> None:
        """Create a database with the extension."""
        execute(self.database("template1"), f"CREATE DATABASE {name}")
        execute(self.database(name), "CREATE EXTENSION citus")

    def start(self) -> None:
        """Start it; the port stays the same."""
        settings = f"{SETTINGS}port = {self.port}\n"
        (self.data / "postgresql.auto.conf").write_text(settings)
        self._pg_ctl("-l", str(self.data / "log"), "-w", "start")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        with suppress(subprocess.CalledProcessError):  # it has ended already
            self._pg_ctl("-m", "immediate", "-w", "stop")

    def _pg_ctl(self, *arguments: str) -> None:
        run_as_server(self._bin / "pg_ctl", "-s", "-D", str(self.data), *arguments)


class Cluster:
    """A coordinator and its workers."""

    def __init__(self, bin_folder: Path, parent: Path, workers: int) -> None:
        self._bin = bin_folder
        self._parent = parent
        self._empty = parent / "empty"
        run_as_server(
            bin_folder / "initdb", "-D", str(self._empty), "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        self.coordinator = self._node("coordinator")
        self.workers: list[Node] = []
        self.url = self.coordinator.url
        execute(
            self.url, f"SELECT citus_set_coordinator_host('127.0.0.1', {self.coordinator.port})"
        )
        for _ in range(workers):
            self.add_worker()

    def add_worker(self) -> Node:
        """Start one more worker and make it known to the cluster."""
        node = self._node(f"worker{len(self.workers)}")
        self.workers.append(node)
        execute(self.url, f"SELECT citus_add_node('127.0.0.1', {node.port})")
        return node

    def create_database(self, name: str) -> str:
        """Create a database that is distributed over the workers; return its URL."""
        url = self.coordinator.database(name)
        for node in (self.coordinator, *self.workers):
            node.create_database(name)
        execute(url, f"SELECT citus_set_coordinator_host('127.0.0.1', {self.coordinator.port})")
        for worker in self.workers:
            execute(url, f"SELECT citus_add_node('127.0.0.1', {worker.port})")
        command(url, "migrate")
        command(url, "distribute")
        command(url, "grants", "--role", SERVING_ROLE, "--apply")
        return url

    def stop(self) -> None:
        """End all servers."""
        for node in (self.coordinator, *self.workers):
            node.kill()

    def _node(self, name: str) -> Node:
        subprocess.run(["cp", "-a", self._empty, self._parent / name], check=True)
        node = Node(self._bin, self._parent / name)
        node.start()
        node.create_database("telemetry")
        return node


@contextmanager
def cluster(workers: int = 2) -> Iterator[Cluster]:
    """Start a cluster for the time of the block. Skips the test without CITUS_PGBIN."""
    if not (bin_folder := os.environ.get("CITUS_PGBIN")):
        pytest.skip(WHY_SKIPPED)
    with folder() as parent:
        if os.geteuid() == 0:
            shutil.chown(parent, _server_user())
        parent.chmod(0o755)
        started = Cluster(Path(bin_folder), parent, workers)
        try:
            yield started
        finally:
            started.stop()


@contextmanager
def distributed(
    workers: int = 2, *, prepare: Callable[[str], None] = lambda _: None
) -> Iterator[Cluster]:
    """Start a cluster whose tables are distributed, with the role that serves.

    ``prepare`` is called with the URL before.
    """
    with cluster(workers) as started:
        command(started.url, "migrate")
        create_serving_role(started.url)
        prepare(started.url)
        command(started.url, "distribute")
        yield started


def command(
    url: str, *arguments: str, check: bool = True, seconds: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m telemetry`` with these arguments on a database.

    Raises CalledProcessError unless ``check`` is false, TimeoutExpired after so many seconds.
    """
    done = subprocess.run(
        [sys.executable, "-m", "telemetry", *arguments],
        cwd=PROJECT,
        env=environment(DATABASE_URL=url),
        check=False,
        timeout=seconds,
        capture_output=True,
        text=True,
    )
    if check and done.returncode:
        # pytest shows it with the failure.
        print(done.stdout, done.stderr)
        done.check_returncode()
    return done


def run_as_server(program: Path, *arguments: str) -> None:
    """Run a program of PostgreSQL, which refuses to run as root."""
    user = _server_user() if os.geteuid() == 0 else None
    output: Any = subprocess.DEVNULL  # a server would keep a pipe open
    subprocess.run([program, *arguments], user=user, check=True, cwd="/", stdout=output)


def _server_user() -> str:
    names = {it.pw_name for it in pwd.getpwall()}
    return "postgres" if "postgres" in names else "embedded_postgres"


# The ledgers refuse to be emptied even by their owner, so triggers are disabled meanwhile. Only the
# shards that were used are emptied: TRUNCATE of a distributed table takes a second.
EMPTY_SHARDS = """
DO $do$
DECLARE
    used regclass;
    guard text;
BEGIN
    SET LOCAL citus.override_table_visibility = off;
    SET LOCAL citus.enable_manual_changes_to_shards = on;
    SET LOCAL citus.enable_ddl_propagation = off;
    FOR used IN
        SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relname ~ '_[0-9]{6}$' AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', used);
        EXECUTE format('DELETE FROM %s', used);
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER ALL', used);
        FOR guard IN
            SELECT tgname FROM pg_trigger
            WHERE tgrelid = used AND tgname ~ '^refuse_(change|truncate|tenant_change)'
        LOOP
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', used, guard);
        END LOOP;
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


class Distributed:
    """Distributed databases for tests: emptied and used again, unless a test changed the schema."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._numbers = count(1)
        self._fingerprints: dict[str, Any] = {}
        self._free = [cluster.url]

    def take(self) -> str:
        """Return the URL of a distributed, empty database."""
        url = self._free.pop() if self._free else None
        url = url or self._cluster.create_database(f"test_{next(self._numbers)}")
        self._fingerprints.setdefault(url, self._fingerprint(url))
        return url

    def give_back(self, url: str) -> None:
        """Empty the database for the next test, or leave it when its schema was changed."""
        if self._fingerprint(url) != self._fingerprints[url]:
            return
        with psycopg.connect(url, autocommit=True) as connection:
            emptied = connection.execute(
                "SELECT success, result FROM run_command_on_all_nodes(%s)", [EMPTY_SHARDS]
            ).fetchall()
            assert all(success for success, _ in emptied), emptied
            connection.execute(EMPTY_COORDINATOR)
        self._free.append(url)

    def _fingerprint(self, url: str) -> Any:
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(FINGERPRINT).fetchone()
