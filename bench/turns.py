"""The turns of a scenario: in each round every contender gets one turn, one after the other."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import appends, cpu, postgres, prepare, service
from bench.loads import Turn
from bench.scenarios import LEDGER, Entry, Scenario

# Rate, latencies in milliseconds, CPU seconds per 1,000 records by group, and two counts.
Measurement = dict[str, Any]

WARM_UP_SECONDS = 2


class WrongCount(Exception):
    """The rows in the table do not match the records that were confirmed."""


@dataclass
class System:
    """What a contender loads: a database, with a service in front of it if it has one."""

    database_url: str
    web: service.Web | None = None

    @property
    def target(self) -> str:
        """The URL that the load goes to."""
        return self.web.url if self.web else self.database_url


class Systems:
    """All running systems; each is started when it is first asked for."""

    def __init__(
        self, folder: Path, variants: Mapping[str, service.Variant], closing: ExitStack
    ) -> None:
        self.folder = folder
        self.variants = variants
        self._closing = closing
        prepare.templates(folder)
        self.postgres = closing.enter_context(postgres.running(folder))
        self._systems: dict[str, System] = {}

    def get(self, name: str) -> System:
        """Return the running system of that name."""
        if name not in self._systems:
            self._systems[name] = self._start(name)
        return self._systems[name]

    def _start(self, name: str) -> System:
        if name == "library":
            url = self.postgres.create(name)
            appends.recorder(url, 1, functions=True).datastore.close()
            return System(url)
        if name in self.variants:
            url = self.postgres.create(name)
            web = service.start(url, self.folder, self.variants[name])
            prepare.devices(web.url)
        else:
            url = self.postgres.create_migrated(name)
            if name == "limits":
                return System(url)
            command = {"plain": service.PLAIN, "tuned": service.TUNED}[name]
            web = service.Web(name, command, url, self.folder)
        self._closing.callback(web.stop)
        return System(url, web)


@contextmanager
def systems(folder: Path, variants: Mapping[str, service.Variant]) -> Iterator[Systems]:
    """Provide the systems, and stop everything that was started for them."""
    with ExitStack() as closing:
        yield Systems(folder, variants, closing)


def measure(
    running: Systems, scenario: Scenario, rounds: int, seconds: int
) -> dict[str, list[Measurement]]:
    """Return one measurement per round for each entry. Raises WrongCount."""
    results: dict[str, list[Measurement]] = {entry.name: [] for entry in scenario.entries}
    progress(f"{scenario.title}")
    for entry in scenario.entries:
        _turn(running, scenario, entry, 0, WARM_UP_SECONDS)
    for number in range(1, rounds + 1):
        for entry in scenario.entries:
            measurement = _turn(running, scenario, entry, number, seconds)
            results[entry.name].append(measurement)
            progress(
                f"  round {number}: {entry.name}: {measurement['rate']:,.0f} {scenario.unit},"
                f" p50 {measurement['p50_ms']:.1f} ms, p99 {measurement['p99_ms']:.1f} ms"
            )
    return results


def progress(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def _turn(
    running: Systems, scenario: Scenario, entry: Entry, number: int, seconds: int
) -> Measurement:
    system = running.get(entry.system)
    if entry.system != "library" and entry.table != LEDGER:
        scenario.prepare(system.database_url)
    postgres.tidy(system.database_url)
    rows = _count(system, entry)
    groups = {
        "web": system.web.process if system.web else None,
        "database": running.postgres.process,
    }
    before = cpu.seconds(groups)
    prefix = f"{scenario.name}-{number}-{scenario.entries.index(entry)}"
    report = entry.load.run(Turn(system.target, running.folder, prefix, seconds))
    postgres.wait_until_idle(system.database_url)
    used = cpu.between(before, cpu.seconds(groups))
    added = _count(system, entry) - rows
    confirmed = (report.requests - report.error_statuses) * entry.load.records
    in_flight = entry.load.connections * entry.load.records
    right = confirmed <= added <= confirmed + in_flight if entry.table else True
    if report.error_statuses or report.socket_errors or not right or not confirmed:
        raise WrongCount(f"{entry.name}: {asdict(report)}, records {confirmed}, rows {added}")
    return {
        "rate": confirmed / report.seconds,
        "p50_ms": report.p50_ms,
        "p99_ms": report.p99_ms,
        # Records in flight at the end cost CPU too.
        "cpu": {g: total * 1000 / max(confirmed, added) for g, total in used.items()},
        "confirmed": confirmed,
        "rows": added,
    }


def _count(system: System, entry: Entry) -> int:
    if entry.table is None:
        return 0
    return int(postgres.ask(system.database_url, f"SELECT count(*) FROM {entry.table}"))
