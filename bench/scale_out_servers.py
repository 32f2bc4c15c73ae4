"""PostgreSQL servers for ``bench.scale_out``: one alone, or a coordinator with workers.

They come from the binaries that CITUS_PGBIN names, so both are the same PostgreSQL. The folders of
a cluster are copies of one initdb and differ in their port only.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from tests.support.service import PROJECT, environment, free_port, procfile

DATABASE = "telemetry"

# fsync and synchronous_commit keep their default: on. autovacuum is off as in bench.postgres.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "max_connections": "200",
    "autovacuum": "off",
    "jit": "off",
}
OF_CITUS = {
    "shared_preload_libraries": "citus",
    "max_prepared_transactions": "200",
    "max_locks_per_transaction": "256",
    "citus.shard_count": "8",
    "citus.enable_statistics_collection": "off",
    "citus.node_conninfo": "sslmode=disable",
}


@dataclass(frozen=True)
class Node:
    """A running server; ``url`` is that of its database."""

    data: Path
    port: int

    @property
    def url(self) -> str:
        """The database of the service on this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def process(self) -> psutil.Process:
        """The postmaster, parent of all other processes of the server."""
        return psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))


class Binaries:
    """The programs of a PostgreSQL that contains Citus."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run a program of the server. Raises RuntimeError with its output when it fails."""
        # A server refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        done = subprocess.run(
            [self._folder / program, *arguments],
            user=user,
            group=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")

    def run_file(self, url: str, file: Path) -> None:
        """Run a file of SQL with psql, up to its first error. Raises RuntimeError."""
        done = subprocess.run(
            [self._folder / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, url],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{file} failed: {done.stderr[-2000:]}")


@contextmanager
def running(
    binaries: Binaries, folder: Path, workers: int | None, own: Mapping[str, str]
) -> Iterator[dict[str, Node]]:
    """Run one plain server (``workers`` is None), or a coordinator with workers.

    ``own`` has settings that replace those of this module.
    """
    names = ["database"] if workers is None else ["coordinator", *_names(workers)]
    template = folder / "initdb"
    if not template.exists():
        _make(binaries, folder, template)
    settings = {**SETTINGS, **({} if workers is None else OF_CITUS), **own}
    with ExitStack() as stopping:
        nodes = {}
        for name in names:
            data = folder / f"{'plain' if workers is None else workers}-{name.replace(' ', '-')}"
            nodes[name] = _start(binaries, template, data, settings)
            stopping.callback(binaries.run, "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
        for node in nodes.values():
            _create_database(node, citus=workers is not None)
        if workers is not None:
            _join(nodes)
        yield nodes


def migrate(url: str) -> None:
    """Apply the migrations with the command of the Procfile."""
    _command(procfile("release"), url)


def distribute(binaries: Binaries, url: str, file: Path | None) -> None:
    """Distribute the tables with the command of the service, or with a file of SQL."""
    if file is not None:
        binaries.run_file(url, file)
    else:
        _command(["python", "-m", "telemetry", "distribute"], url)


def _names(workers: int) -> list[str]:
    return [f"worker {number}" for number in range(1, workers + 1)]


def _make(binaries: Binaries, folder: Path, template: Path) -> None:
    if os.geteuid() == 0:
        subprocess.run(["chown", "postgres", folder], check=True)
    folder.chmod(0o755)
    options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    binaries.run("initdb", "-D", template, *options)


def _start(binaries: Binaries, template: Path, data: Path, settings: Mapping[str, str]) -> Node:
    subprocess.run(["cp", "-a", template, data], check=True)
    node = Node(data, free_port())
    lines = {**settings, "port": str(node.port), "unix_socket_directories": str(data)}
    with (data / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in lines.items())
    binaries.run("pg_ctl", "-D", data, "-l", data / "log", "-w", "start")
    return node


def _create_database(node: Node, *, citus: bool) -> None:
    with psycopg.connect(node.url.replace(f"/{DATABASE}", "/postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
    if citus:
        with psycopg.connect(node.url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION citus")


def _join(nodes: Mapping[str, Node]) -> None:
    coordinator, *workers = nodes.values()
    with psycopg.connect(coordinator.url, autocommit=True) as connection:
        connection.execute(
            "SELECT citus_set_coordinator_host('127.0.0.1', %s)", (coordinator.port,)
        )
        for worker in workers:
            connection.execute("SELECT citus_add_node('127.0.0.1', %s)", (worker.port,))


def _command(command: list[str], url: str) -> None:
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=environment(DATABASE_URL=url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
