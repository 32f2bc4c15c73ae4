"""The scenarios: what is measured, who takes part, and the targets.

To add a scenario, add it to ``SCENARIOS``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bench import prepare
from bench.loads import Client, Load, Pgbench, Wrk

RUNS = "agent_runs"
EVENTS = "runtime_events"
LEDGER = "os_core.audio_runtime_events"


@dataclass(frozen=True)
class Entry:
    """One contender: ``system`` names the service or database that gets its load.

    Every record that was confirmed must be in ``table`` (None: nothing is written).
    """

    name: str
    system: str
    load: Load
    table: str | None


@dataclass(frozen=True)
class Target:
    """How many times as fast as ``than`` this service should be; ``p99`` compares p99 latency."""

    than: str
    at_least: float
    p99: bool = False


@dataclass(frozen=True)
class Scenario:
    """Entries that take turns; the first one is this service."""

    name: str
    title: str
    unit: str
    entries: tuple[Entry, ...]
    targets: tuple[Target, ...] = ()
    prepare: Callable[[str], None] = field(default=prepare.empty)

    def with_other(self) -> "Scenario":
        """Return the scenario with the other variant of this service added as the second entry."""
        ours = self.entries[0]
        other = replace(ours, name="other", system="other")
        return replace(self, entries=(ours, other, *self.entries[1:]))


def _web(system: str, load: Load, table: str | None = RUNS, *, name: str = "") -> Entry:
    return Entry(name or system, system, load, table)


def _singles(connections: int) -> Scenario:
    load = Wrk("/api/v1/runs", connections, "run")
    return Scenario(
        f"runs-{connections}",
        f"Runs, one per request, {connections} connections",
        "runs/s",
        (
            _web("ours", load),
            _web("plain", load),
            _web("tuned", load),
            Entry("INSERT", "limits", Pgbench(16), RUNS),
        ),
        (
            Target("plain", 1.6),
            Target("tuned", 1.05),
            Target("tuned", 1.0, p99=True),
            Target("INSERT", 0.33),
        ),
    )


_BATCH = Client("posts", "run", 4, 1000, "/api/v1/runs/batch")
_LIST = Wrk("/api/v1/runs?limit=50", 16)
_LEDGER_URL = "/api/v1/audio-runtime/events"
_EVENTS_URL = "/api/runtime/events"


def _appends(name: str, kind: str, events: int) -> Entry:
    return Entry(name, "library", Client("appends", kind, 4, events), "stored_events")


SCENARIOS = (
    _singles(16),
    _singles(64),
    Scenario(
        "runs-batch",
        "Runs, batches of 1,000, 4 clients",
        "runs/s",
        (
            _web("ours", _BATCH),
            _web("plain", _BATCH),
            _web("tuned", _BATCH),
            Entry("COPY", "limits", Client("limits", "copy", 4, 1000), RUNS),
            Entry(
                "json_populate_recordset", "limits", Client("limits", "recordset", 4, 1000), RUNS
            ),
        ),
        (Target("plain", 3), Target("tuned", 1.15), Target("COPY", 0.7)),
    ),
    Scenario(
        "runs-list",
        "The newest 50 runs of 10,000, 16 connections",
        "lists/s",
        (_web("ours", _LIST, None), _web("plain", _LIST, None), _web("tuned", _LIST, None)),
        prepare=prepare.filled,
    ),
    Scenario(
        "events-16",
        "Runtime events, one per request, 16 connections",
        "events/s",
        (
            _web("ours", Wrk(_EVENTS_URL, 16, "event"), EVENTS),
            _web("ours", Wrk("/api/v1/runs", 16, "run"), name="our runs"),
        ),
        (Target("our runs", 1.0),),
    ),
    Scenario(
        "events-batch",
        "Runtime events, batches of 1,000, 4 clients",
        "events/s",
        (
            _web("ours", Client("posts", "event", 4, 1000, f"{_EVENTS_URL}/batch"), EVENTS),
            _web("ours", _BATCH, name="our runs"),
        ),
        (Target("our runs", 1.0),),
    ),
    Scenario(
        "ledger-16",
        "Ledger, one event per request, 16 connections, 100 devices",
        "events/s",
        (
            _web("ours", Wrk(_LEDGER_URL, 16, "ledger"), LEDGER),
            _appends("eventsourcing", "plain", 1),
            _appends("eventsourcing with functions", "functions", 1),
        ),
        (Target("eventsourcing", 1.0),),
    ),
    Scenario(
        "ledger-batch",
        "Ledger, batches of 100, 4 clients, ten devices per batch",
        "events/s",
        (
            _web("ours", Client("posts", "ledger", 4, 100, f"{_LEDGER_URL}/batch"), LEDGER),
            _appends("eventsourcing, batches of 50", "plain", 50),
            _appends("eventsourcing with functions, batches of 50", "functions", 50),
        ),
        (
            Target("eventsourcing, batches of 50", 1.2),
            Target("eventsourcing with functions, batches of 50", 1.2),
        ),
    ),
)
