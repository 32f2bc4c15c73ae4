"""The window of time that a page shows, and the width of the bars of its charts."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from telemetry.database.database import Row
from telemetry.pages import formats

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Bars begin at multiples of their width from here, a Monday, as date_bin does in the statements.
ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)

# A window begins here or later, so that the one before it has a calendar too.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

# Clocks of agents may be ahead of this one by this much.
AHEAD = timedelta(minutes=5)

STEPS = (MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY)
STEP_NAMES = {
    MINUTE: "per minute",
    5 * MINUTE: "per 5 minutes",
    10 * MINUTE: "per 10 minutes",
    30 * MINUTE: "per half hour",
    HOUR: "per hour",
    3 * HOUR: "per 3 hours",
    6 * HOUR: "per 6 hours",
    12 * HOUR: "per 12 hours",
    DAY: "per day",
}
MAX_BARS = 62

SPANS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
# How a link calls a range.
RANGES = {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}
TITLES = {
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    None: "From – to",
}
BEFORE = {
    "1h": "on the hour before",
    "24h": "since yesterday",
    "7d": "on the week before",
    "30d": "on the month before",
    None: "on the time before",
}


class NoWindow(ValueError):
    """A query string asks for a window that can't be shown; ``field`` is the parameter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Window(NamedTuple):
    """The time from ``start`` to ``end``; ``name`` is that of a range, None for from–to.

    ``is_open``: it ends at this moment, so runs that come while the page is made belong to it.
    """

    name: str | None
    start: datetime
    end: datetime
    is_open: bool

    @property
    def until(self) -> datetime:
        """The end for statements, which leaves out what is not before it."""
        return self.end + AHEAD if self.is_open else self.end

    @property
    def span(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    @property
    def step(self) -> timedelta:
        """The width of a bar: the narrowest that leaves no more than MAX_BARS."""
        fitting = (step for step in STEPS if self.span / step <= MAX_BARS - 1)
        return next(fitting, None) or DAY * -(-self.span // (DAY * (MAX_BARS - 2)))

    @property
    def step_name(self) -> str:
        """The width of a bar in words."""
        return STEP_NAMES.get(self.step) or f"per {self.step.days:,} days"

    @property
    def title(self) -> str:
        """The heading of a page."""
        return TITLES[self.name]

    @property
    def before(self) -> str:
        """What a change compares with."""
        return BEFORE[self.name]

    @property
    def start_before(self) -> datetime:
        """The start of the window before, which is as long."""
        return self.start - self.span

    @property
    def bars(self) -> list[datetime]:
        """The starts of the bars; the first may begin before the window."""
        step, (first, last) = self.step, self._numbers
        return [ORIGIN + number * step for number in range(first, last + 1)]

    def placed(self, rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
        """Yield the rows with the number of their bar; what is after the end is in the last one.

        A row without a bucket is left out.
        """
        step, (first, last) = self.step, self._numbers
        for row in rows:
            if bucket := formats.as_time(row["bucket"]):
                yield min(max(first, (bucket - ORIGIN) // step), last) - first, row

    @property
    def _numbers(self) -> tuple[int, int]:
        """The first and the last bar, counted from the origin."""
        first = (self.start - ORIGIN) // self.step
        return first, max(first, (self.end - ORIGIN - timedelta.resolution) // self.step)

    @property
    def form(self) -> str:
        """How the axis writes a time."""
        return "%H:%M" if self.span <= 2 * DAY else "%-d %b"

    @property
    def clock(self) -> str:
        """How a list writes a time of the window."""
        return "%H:%M" if self.span <= DAY else "%-d %b %H:%M"

    @property
    def parameters(self) -> dict[str, Any]:
        """The window as parameters of a statement."""
        return {"created_from": self.start, "created_until": self.until}

    def of_events(self, source: str | None) -> dict[str, Any]:
        """Return the window as parameters of a statement about runtime events."""
        return {"recorded_from": self.start, "recorded_until": self.until, "source": source}

    @property
    def query(self) -> dict[str, Any]:
        """The window as parameters of the pages that have one."""
        if self.name:
            return {"range": self.name}
        return {"created_after": self.start, "created_before": None if self.is_open else self.end}

    @property
    def filters(self) -> dict[str, Any]:
        """The window as filters of the table of runs. Both bounds of these are exclusive."""
        after = self.start - timedelta(microseconds=1)
        return {"created_after": after, "created_before": self.until}

    def __str__(self) -> str:
        """Return both ends in words."""
        short = [formats.moment(it)[: -len(":00 UTC")] for it in (self.start, self.end)]
        return f"{short[0]} – {short[1]} UTC"


def window_of(query: dict[str, Any], now: datetime) -> Window:
    """Return the window that a valid query string asks for; without one the last 24 hours.

    Raises NoWindow when it is empty, in the future or before EARLIEST.
    """
    after, before = query.get("created_after"), query.get("created_before")
    for field, moment in (("created_after", after), ("created_before", before)):
        if moment and moment < EARLIEST:
            raise NoWindow(field, f"Must be {EARLIEST:%Y-%m-%d} or later")
    if after and after >= now:
        raise NoWindow("created_after", "Must be in the past")
    if after is None and before is None:
        name = query.get("range", "24h")
        return Window(name, now - SPANS[name], now, is_open=True)
    end = min(before or now, now)
    start = after or end - DAY
    if start >= end:
        raise NoWindow("created_before", "Must be later than the start")
    return Window(None, start, end, is_open=before is None or before >= now)
