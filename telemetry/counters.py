"""What the service counts about itself, for Prometheus. Every set of labels is bounded.

A process adds to its own numbers; a scrape adds up those of all processes (``shared_memory``). The
statuses, routes and names here are the only labels that exist, whatever clients send.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

from telemetry import shared_memory
from telemetry.shared_names import SharedNames

# How many routes an application may have. A test compares it with those that exist.
MAX_ROUTES = 150

DOMAINS = ("agent_runs", "runtime_events", "audio_runtime")
OUTCOMES = ("created", "duplicate", "completed", "differing", "refused")
DATABASES = ("records", "runtime_events")
KINDS = (
    "STREAM_REFS",
    "VAD_EVENT",
    "DEVICE_STATE",
    "TIMING_STATS",
    "INTERRUPT_CANDIDATE",
    "DEGRADATION_FLAGS",
    "TTS_PLAYBACK_ACTIVE",
)
# Those that a response may have; "other" stands for what a proxy or a later release adds.
STATUSES = (
    *("200", "201", "204", "302", "303", "304"),
    *("400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429"),
    *("500", "503", "other"),
)
REFUSED_BY_SERVER = ("400", "408", "414", "417", "431", "500", "501")

# The agents that have series of their own; their names have up to 255 characters of up to 4 bytes.
AGENTS = SharedNames(100, most_bytes=255 * 4)

_used = shared_memory.FIRST_FREE


class Cell:
    """One number; ``index`` is its place in the memory of every process."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def add(self, amount: float = 1.0) -> None:
        """Add to the number of this process."""
        shared_memory.values[self.index] += amount

    def set(self, value: float) -> None:
        """Set the number of this process, whatever the process before it in the slot has left."""
        shared_memory.values[self.index] = value


class Sample(NamedTuple):
    """The labels of a series and its numbers: one, or a histogram's sum and its buckets."""

    labels: tuple[str, ...]
    numbers: tuple[float, ...]


class Series:
    """A metric: its name, what it says, and a series for each combination of its labels."""

    width = 1

    def __init__(self, name: str, text: str, kind: str, **labels: Sequence[str]) -> None:
        self.name, self.text, self.kind = name, text, kind
        self.label_names = (*labels,)
        self.rows = [*product(*labels.values())]
        self.start = _take(self.width * len(self.rows))
        self._cells = {
            row: Cell(self.start + number * self.width) for number, row in enumerate(self.rows)
        }
        ALL.append(self)

    def at(self, *labels: str) -> Cell:
        """Return the number with these labels."""
        return self._cells[labels]

    def samples(self, numbers: Sequence[float]) -> Iterator[Sample]:
        """Yield the series, also those that are 0, out of what read_all returns."""
        for number, labels in enumerate(self.rows):
            first = self.start + number * self.width
            yield Sample(labels, tuple(numbers[first : first + self.width]))


class Histogram(Series):
    """How many observations there are up to each bound, and their sum."""

    def __init__(
        self, name: str, text: str, bounds: Sequence[float], **labels: Sequence[str]
    ) -> None:
        self.bounds = (*bounds,)
        self.width = len(bounds) + 2
        super().__init__(name, text, "histogram", **labels)

    def observer(self, *labels: str) -> Callable[[float], None]:
        """Return a function that counts an observation with these labels."""
        return partial(self.observe_at, self._cells[labels].index)

    def observe_at(self, index: int, value: float) -> None:
        """Count an observation in the row whose numbers begin at the index."""
        values = shared_memory.values
        values[index] += value
        values[index + 1 + bisect_left(self.bounds, value)] += 1.0


class Requests(Histogram):
    """Requests by method, route and status. An application names its routes when it starts."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        numbers = [str(number) for number in range(MAX_ROUTES)]
        super().__init__(name, text, bounds, route=numbers, status=STATUSES)
        self.label_names = ("method", "route", "status")
        self.routes: dict[tuple[str, str], int] = {}

    def name_routes(self, routes: Sequence[tuple[str, str]]) -> None:
        """Give each pair of a method and a route its rows. Raises ValueError for too many."""
        if len(routes) > MAX_ROUTES:
            raise ValueError(f"{len(routes)} routes; counters.MAX_ROUTES is {MAX_ROUTES}")
        row = self.width * len(STATUSES)
        self.routes = {route: self.start + row * number for number, route in enumerate(routes)}

    def samples(self, numbers: Sequence[float]) -> Iterator[Sample]:
        """Yield the routes and statuses that occurred, out of what read_all returns."""
        for (method, route), start in self.routes.items():
            for number, status in enumerate(STATUSES):
                first = start + number * self.width
                row = tuple(numbers[first : first + self.width])
                if any(row):
                    yield Sample((method, route, status), row)


def _take(numbers: int) -> int:
    """Return the index of the first of so many numbers that no other series uses."""
    global _used  # noqa: PLW0603 - the layout is the same in every process
    start = _used
    _used += numbers
    if _used > shared_memory.SLOT_NUMBERS:
        raise ValueError("more numbers than shared_memory.SLOT_NUMBERS")
    return start


def read_all() -> list[float]:
    """Return the numbers of all series, each added up over all processes."""
    return shared_memory.totals(_used)


ALL: list[Series] = []

SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)

REQUESTS = Requests(
    "telemetry_http_request_duration_seconds",
    "Time from the first step of a request to its response, by route pattern",
    SECONDS,
)
REFUSALS = Series(
    "telemetry_http_refusals",
    "Requests that the server refused before the application saw them",
    "counter",
    status=REFUSED_BY_SERVER,
)
RECORDS = Series(
    "telemetry_records",
    "Records that were sent, by what happened to them; a differing one is a duplicate too",
    "counter",
    domain=DOMAINS,
    outcome=OUTCOMES,
)
BATCHES = Histogram(
    "telemetry_batch_records",
    "Records in a batch",
    (1, 10, 100, 1000, 10_000),
    domain=DOMAINS,
)
GROUPS = Histogram(
    "telemetry_group_commit_records",
    "Records that shared one commit",
    (1, 2, 4, 8, 16, 32, 64, 100),
    domain=DOMAINS,
)
APPENDS = Series(
    "telemetry_ledger_appends",
    "Events that were appended to the audio ledger",
    "counter",
    event_kind=KINDS,
)
IN_USE = Series(
    "telemetry_db_pool_connections_in_use",
    "Connections that are in use",
    "gauge",
    database=DATABASES,
)
MOST_CONNECTIONS = Series(
    "telemetry_db_pool_connections_max",
    "Connections that the pools of all workers may open together",
    "gauge",
    database=DATABASES,
)
USE_SECONDS = Series(
    "telemetry_db_pool_use_seconds",
    "Time for which connections were in use; its rate is how many were, on average",
    "counter",
    database=DATABASES,
)
WAIT_SECONDS = Histogram(
    "telemetry_db_pool_wait_seconds",
    "Time that a request waited for a connection",
    (0.001, 0.01, 0.1, 1.0, 5.0),
    database=DATABASES,
)
FAILED_WAITS = Series(
    "telemetry_db_pool_failed_waits",
    "Waits of requests that ended without a connection",
    "counter",
    database=DATABASES,
)


def count_batch(domain: str, total: int, **outcomes: int) -> None:
    """Count a batch of ``total`` records, and how many of them had each outcome."""
    BATCHES.observer(domain)(total)
    for outcome, records in outcomes.items():
        RECORDS.at(domain, outcome).add(records)


def count_record(domain: str, outcome: str, *, differs: bool = False) -> None:
    """Count a record that was sent alone and not refused."""
    RECORDS.at(domain, outcome).add()
    if differs:
        RECORDS.at(domain, "differing").add()
