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
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from telemetry.database import statements
from tests.support.databases import execute
from tests.support.rights import create_serving_role
from tests.support.server import folder
from tests.support.service import PROJECT, environment, free_port

WHY_SKIPPED = "CITUS_PGBIN is not set: no PostgreSQL with the extension citus (see CONTRIBUTING.md)"

WORKER_SETTINGS = statements.ROOT / "scale_out/distribute/04_settings.sql"

# Citus keeps a process of its own connected to each database, and starts it again.
END_CONNECTIONS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s
"""
COPIES = 5

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

    @property
    def nodes(self) -> list[Node]:
        """The coordinator and the workers."""
        return [self.coordinator, *self.workers]

    def copy_database(self, name: str, template: str) -> str:
        """Create a database from one that is distributed, on every node; return its URL.

        Connections to the template are ended.
        """
        for node in self.nodes:
            with psycopg.connect(node.database("template1"), autocommit=True) as connection:
                for attempts_left in reversed(range(COPIES)):
                    connection.execute(END_CONNECTIONS, [template])
                    try:
                        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
                        break
                    except errors.ObjectInUse:
                        if not attempts_left:
                            raise
        # They belong to the name of a database, and are not copied.
        url = self.coordinator.database(name)
        execute(url, WORKER_SETTINGS.read_text(encoding="utf-8"))
        return url

    def drop_database(self, name: str) -> None:
        """Drop a database from every node."""
        for node in self.nodes:
            execute(node.database("template1"), f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """End all servers."""
        for node in self.nodes:
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
