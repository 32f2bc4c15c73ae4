"""What the pages show of the events in a file, as the statements of sql/pages do for the database.

Each method reads the lines of its window once, and keeps 32 bytes of each event.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.pages.window import ORIGIN
from telemetry.runtime_events.events import rounded_cost
from telemetry.runtime_events.file.store import FileEvents
from telemetry.runtime_events.file.stored import StoredEvent
from telemetry.runtime_events.file.summary import (
    EndpointTotals,
    endpoint_totals,
    idea_of,
    idea_totals,
)
from telemetry.timestamps import parse_utc, utc_text

# ideas.sql has the same number.
MAX_IDEA = 500

Row = dict[str, Any]


class FileFigures:
    """Reads a file of events for pages. Every method raises EventsFileUnavailable.

    A window is ``recorded_from``, ``recorded_until`` and ``source``, and for the endpoints also
    ``endpoint_prefix`` and ``idea_id``. None or absent: any.
    """

    def __init__(self, store: FileEvents) -> None:
        self._store = store

    def token(self) -> str:
        """Return a text that is the same only while the file is."""
        return self._store.change_token()

    def endpoints(
        self,
        window: Row,
        row_limit: int,
        *,
        sort: str = "errors",
        row_offset: int = 0,
        slow_limit: int = 0,
    ) -> Sequence[Row]:
        """Return a page of the endpoints in the order of ``sort``, and the slowest by p95."""
        totals = endpoint_totals(self._events(window))
        rows = [{"endpoint": name, **_figures(it)} for name, it in totals.items()]
        rows.sort(key=lambda row: (-row["p95_ms"], row["endpoint"]))
        for place, row in enumerate(rows, 1):
            row |= {"slow_place": place, "endpoints": len(rows)}
        rows.sort(key=_order(sort))
        for place, row in enumerate(rows, 1):
            row["place"] = place
        last = row_offset + row_limit
        return [
            row
            for row in rows
            if row_offset < row["place"] <= last or row["slow_place"] <= slow_limit
        ]

    def endpoint(self, window: Row, endpoint: str) -> Row:
        """Return one endpoint of a window."""
        totals, last_at = EndpointTotals(), None
        for event in self._events(window, endpoint):
            totals.add(event)
            last_at = max(last_at or event.recorded_at, event.recorded_at)
        return {**_figures(totals), "last_at": last_at}

    def endpoint_over_time(self, window: Row, endpoint: str, step: timedelta) -> Sequence[Row]:
        """Return one endpoint in the bars of a window; bars without an event are left out."""
        bars: dict[int, EndpointTotals] = {}
        for event in self._events(window, endpoint):
            number = (parse_utc(event.recorded_at) - ORIGIN) // step
            bars.setdefault(number, EndpointTotals()).add(event)
        return [
            {"bucket": utc_text(ORIGIN + number * step), **_figures(totals)}
            for number, totals in sorted(bars.items())
        ]

    def ideas(self, window: Row, row_limit: int) -> Sequence[Row]:
        """Return the ideas of a window, the most expensive first."""
        totals = idea_totals(self._events(window))
        costs = {name: it.cost for name, it in totals.items()}
        in_order = sorted(costs, key=lambda name: (-rounded_cost(costs[name]), name))
        return [
            {
                "idea_id": name[:MAX_IDEA],
                "events": totals[name].events,
                "runtime_ms": totals[name].runtime_ms,
                "cost": costs[name],
                "ideas": len(costs),
            }
            for name in in_order[:row_limit]
        ]

    def rates(self) -> Row:
        """Return how many events the last hour has."""
        count, last_at = 0, ""
        for event in self._store.between(datetime.now(UTC) - timedelta(hours=1)):
            count += 1
            last_at = max(last_at, event.recorded_at)
        return {"events": count, "last_event_at": last_at or None}

    def _events(self, window: Row, endpoint: str | None = None) -> Iterator[StoredEvent]:
        source, idea = window["source"], window.get("idea_id")
        prefix = window.get("endpoint_prefix") or ""
        for event in self._store.between(window["recorded_from"], window["recorded_until"]):
            if (
                source in (None, event.source)
                and endpoint in (None, event.endpoint)
                and event.endpoint.startswith(prefix)
                and (idea is None or idea_of(event) == idea)
            ):
                yield event


def _figures(totals: EndpointTotals) -> Row:
    names = ("p50_ms", "p95_ms", "p99_ms")
    if not totals.events:
        return {"events": 0, "errors": 0, **dict.fromkeys(names), "cost": None}
    return {
        "events": totals.events,
        "errors": totals.errors,
        **dict(zip(names, totals.percentiles(), strict=True)),
        "cost": totals.cost,
    }


def _order(sort: str) -> Callable[[Row], Any]:
    """Return the key that sorts as endpoints.sql does."""
    if sort == "endpoint":
        return lambda row: row["endpoint"]

    def key(row: Row) -> Any:
        value = row["errors"] / row["events"] if sort == "rate" else row.get(f"{sort}_ms")
        largest = row[sort] if value is None else value
        return (-largest, -row["errors"], -row["p95_ms"], row["endpoint"])

    return key
