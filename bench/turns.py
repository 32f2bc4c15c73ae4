"""The turns of a scenario: each contender once a round, one after the other."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import appends, cpu, postgres, prepare, service
from bench.loads import Turn
from bench.scenarios import LEDGER, Entry, Scenario

# Rate, latencies in milliseconds, CPU seconds per 1,000 records by group, and the two counts.
Measurement = dict[str, Any]

WARM_UP_SECONDS = 2


class WrongCount(Exception):
    """The rows that are there do not fit those that were answered."""


@dataclass
class Home:
    """A contender's database, and its service where it has one."""

    database_url: str
    web: service.Web | None = None

    @property
    def target(self) -> str:
        """Where its load goes."""
        return self.web.url if self.web else self.database_url


class Stage:
    """Everything that runs for the contenders; a home is set up when it is first asked for."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self.folder = folder
        self._closing = closing
        prepare.templates(folder)
        self.postgres = closing.enter_context(postgres.running(folder))
        self._homes: dict[str, Home] = {}

    def home(self, name: str) -> Home:
        """Return the home of that name, running."""
        if name not in self._homes:
            self._homes[name] = self._set_up(name)
        return self._homes[name]

    def _set_up(self, name: str) -> Home:
        if name == "library":
            url = self.postgres.create(name)
            appends.recorder(url, 1, functions=True).datastore.close()
            return Home(url)
        if name == "ours":
            url = self.postgres.create(name)
            web = service.ours(url, self.folder)
            prepare.devices(web.url)
        else:
            url = self.postgres.create_migrated(name)
            if name == "limits":
                return Home(url)
            command = {"plain": service.PLAIN, "tuned": service.TUNED}[name]
            web = service.Web(name, command, url, self.folder)
        self._closing.callback(web.stop)
        return Home(url, web)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Have a stage, and end everything that it started."""
    with ExitStack() as closing:
        yield Stage(folder, closing)


def play(on: Stage, scenario: Scenario, rounds: int, seconds: int) -> dict[str, list[Measurement]]:
    """Return the measurements of each entry, one a round. Raises WrongCount."""
    results: dict[str, list[Measurement]] = {entry.name: [] for entry in scenario.entries}
    say(f"{scenario.title}")
    for entry in scenario.entries:
        _turn(on, scenario, entry, 0, WARM_UP_SECONDS)
    for number in range(1, rounds + 1):
        for entry in scenario.entries:
            measurement = _turn(on, scenario, entry, number, seconds)
            results[entry.name].append(measurement)
            say(
                f"  round {number}: {entry.name}: {measurement['rate']:,.0f} {scenario.unit},"
                f" p50 {measurement['p50_ms']:.1f} ms, p99 {measurement['p99_ms']:.1f} ms"
            )
    return results


def say(line: str) -> None:
    """Tell how far it has come."""
    print(line, file=sys.stderr, flush=True)


def _turn(on: Stage, scenario: Scenario, entry: Entry, number: int, seconds: int) -> Measurement:
    home = on.home(entry.home)
    if entry.home != "library" and entry.table != LEDGER:
        scenario.prepare(home.database_url)
    postgres.tidy(home.database_url)
    rows = _count(home, entry)
    groups = {"web": home.web.process if home.web else None, "database": on.postgres.process}
    before = cpu.seconds(groups)
    prefix = f"{scenario.name}-{number}-{scenario.entries.index(entry)}"
    seen = entry.load.run(Turn(home.target, on.folder, prefix, seconds))
    used = cpu.between(before, cpu.seconds(groups))
    postgres.wait_until_idle(home.database_url)
    added = _count(home, entry) - rows
    answered = (seen.requests - seen.refused) * entry.load.records
    in_flight = entry.load.connections * entry.load.records
    right = answered <= added <= answered + in_flight if entry.table else True
    if seen.refused or seen.broken or not right:
        raise WrongCount(f"{entry.name}: {asdict(seen)}, records {answered}, rows {added}")
    return {
        "rate": answered / seen.seconds,
        "p50_ms": seen.p50_ms,
        "p99_ms": seen.p99_ms,
        # Nothing is answered when a turn is shorter than a request.
        "cpu": {group: total * 1000 / max(answered, 1) for group, total in used.items()},
        "answered": answered,
        "rows": added,
    }


def _count(home: Home, entry: Entry) -> int:
    if entry.table is None:
        return 0
    return int(postgres.ask(home.database_url, f"SELECT count(*) FROM {entry.table}"))
