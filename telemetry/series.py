"""The kinds of metrics that a process counts, and where their numbers are in the shared memory.

A process adds to its own numbers; a scrape adds up those of all processes (``shared_memory``).
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

from telemetry import shared_memory

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
    """A metric: its name, what it says, and a series for each combination of its labels.

    ``without`` are the combinations that cannot occur.
    """

    width = 1

    def __init__(
        self,
        name: str,
        text: str,
        kind: str,
        *,
        without: Collection[tuple[str, ...]] = (),
        **labels: Sequence[str],
    ) -> None:
        self.name, self.text, self.kind = name, text, kind
        self.label_names = (*labels,)
        self.rows = [row for row in product(*labels.values()) if row not in without]
        self.start = _take(self.width * len(self.rows))
        self._cells = {
            row: Cell(self.start + number * self.width) for number, row in enumerate(self.rows)
        }
        ALL.append(self)

    @property
    def numbers(self) -> slice:
        """Where its numbers are."""
        return slice(self.start, self.start + self.width * len(self.rows))

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
        super().__init__(name, text, "histogram", without=(), **labels)

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

    def __init__(
        self, name: str, text: str, bounds: Sequence[float], statuses: Sequence[str]
    ) -> None:
        super().__init__(name, text, bounds, route=(), status=statuses)
        self.statuses = statuses
        self.label_names = ("method", "route", "status")
        self.routes: dict[tuple[str, str], int] = {}
        self._starts: dict[tuple[tuple[str, str], ...], int] = {}

    def name_routes(self, routes: Sequence[tuple[str, str]]) -> None:
        """Give each pair of a method and a route its rows, and begin to count.

        Every series must exist. Raises ValueError for too many routes.
        """
        named, row = (*routes,), self.width * len(self.statuses)
        if named not in self._starts:
            self._starts[named] = _take(row * len(named))
        start = self._starts[named]
        self.routes = {route: start + row * number for number, route in enumerate(named)}
        layout = [(it.name, it.start, it.width, it.rows) for it in ALL], [*self.routes.items()]
        gauges = [it.numbers for it in ALL if it.kind == "gauge"]
        shared_memory.begin(repr(layout), gauges)

    def samples(self, numbers: Sequence[float]) -> Iterator[Sample]:
        """Yield the routes and statuses that occurred, out of what read_all returns."""
        for (method, route), start in self.routes.items():
            for number, status in enumerate(self.statuses):
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
