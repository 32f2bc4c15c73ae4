"""The window of time that a page shows, and the width of the bars of its charts."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from telemetry.database.database import Row
from telemetry.pages import formats
from telemetry.pages.formats import FIRST

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Bars begin at multiples of their width from here, a Monday, as date_bin does in the statements.
ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)

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
TITLES = {
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    None: "From – to",
}
BEFORE = {
    "1h": "than the hour before",
    "24h": "since yesterday",
    "7d": "than the week before",
    "30d": "than the month before",
    None: "than the time before",
}


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
        """The start of the window before, which is as long where the calendar is."""
        return self.start - min(self.span, self.start - FIRST)

    @property
    def bars(self) -> list[datetime]:
        """The starts of the bars; the first may begin before the window."""
        step, (first, last) = self.step, self._numbers
        return [ORIGIN + max(number * step, FIRST - ORIGIN) for number in range(first, last + 1)]

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

    @property
    def filters(self) -> dict[str, Any]:
        """The window as filters of the table of runs. Both bounds of these are exclusive."""
        after = None if self.start == FIRST else self.start - timedelta.resolution
        return {"created_after": after, "created_before": None if self.is_open else self.end}

    def __str__(self) -> str:
        """Return both ends in words."""
        short = [formats.moment(it)[: -len(":00 UTC")] for it in (self.start, self.end)]
        return f"{short[0]} – {short[1]} UTC"


def window_of(query: dict[str, Any], now: datetime) -> Window:
    """Return the window that a valid query string asks for; without one the last 24 hours.

    Raises ValueError, with the message for the field created_before, when it is empty.
    """
    after, before = query.get("created_after"), query.get("created_before")
    if after is None and before is None:
        name = query.get("range", "24h")
        return Window(name, now - SPANS[name], now, is_open=True)
    end = min(before or now, now)
    start = after or end - min(DAY, end - FIRST)
    if start >= end:
        raise ValueError("Must be later than the start, and the start in the past")
    return Window(None, start, end, is_open=before is None or before >= now)
