"""The page of runtime events: endpoints, one endpoint over time, and ideas."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response

from telemetry.database.database import Row
from telemetry.http.caller import shows_pages
from telemetry.pages import charts, query, render
from telemetry.pages.event_store import EventPages
from telemetry.pages.extension import blueprint, pages
from telemetry.pages.live import events_change, refreshing
from telemetry.pages.schema import RuntimeSchema
from telemetry.pages.together import together
from telemetry.pages.window import Window

ENDPOINTS = 100
IDEAS = 15
CHART_HEIGHT = 110

runtime_schema = RuntimeSchema()


@blueprint.get("/runtime")
@shows_pages
@refreshing(events_change)
def show_runtime() -> Response:
    """Return the endpoints of a window, or one of them over time."""
    asked = query.read(runtime_schema)
    window = query.window(asked, datetime.now(UTC))
    events = pages().events
    shown: dict[str, Any] = {"endpoints": None, "endpoint": None}
    if events is not None and not asked.errors:
        parameters = window.of_events(asked.values["source"])
        if name := asked.values["endpoint"]:
            shown |= _one(events, window, parameters, name)
        else:
            shown |= _all(events, parameters, asked)
    return render.page(
        "runtime.html",
        status=asked.status,
        asked=asked,
        window=window,
        is_stored=events is not None,
        **shown,
    )


def _all(events: EventPages, window: dict[str, Any], asked: query.Query) -> dict[str, Any]:
    """Return a page of the endpoints, and the ideas where the endpoints are not those of one."""
    offset = asked.values["offset"] or 0
    filters = {name: asked.values[name] for name in ("endpoint_prefix", "idea_id")}
    readers: dict[str, Callable[[], Any]] = {
        "rows": lambda: events.endpoints(
            {**window, **filters},
            ENDPOINTS,
            sort=asked.values["sort"] or "errors",
            row_offset=offset,
            slow_limit=1,
        )
    }
    if not offset and not any(filters.values()):
        readers["ideas"] = lambda: events.ideas(window, IDEAS)
    read = together(**readers)
    rows = read["rows"]
    return {
        "endpoints": [row for row in rows if offset < row["place"] <= offset + ENDPOINTS],
        "count": rows[0]["endpoints"] if rows else 0,
        "slowest": max((row["p95_ms"] for row in rows), default=0),
        "ideas": read.get("ideas"),
        "offset": offset,
        "rows_per_page": ENDPOINTS,
    }


def _one(
    events: EventPages, window: Window, parameters: dict[str, Any], name: str
) -> dict[str, Any]:
    read = together(
        endpoint=lambda: events.endpoint(parameters, name),
        over_time=lambda: events.endpoint_over_time(parameters, name, window.step),
    )
    chart = over_time(read["over_time"], window)
    return {"endpoint": read["endpoint"], "name": name, "chart": chart}


def over_time(rows: list[Row] | Any, window: Window) -> dict[str, Any]:
    """Return the two charts of an endpoint, events with errors and latency, and their table."""
    bars = window.bars
    by_place: dict[int, Row] = {}
    for place, row in window.placed(rows):
        by_place.setdefault(place, row)
    empty = {"events": 0, "errors": 0, "p50_ms": None, "p95_ms": None}
    filled = [dict(by_place.get(place, empty)) for place in range(len(bars))]
    counts = [
        [("success", it["events"] - it["errors"]), ("failure", it["errors"])] for it in filled
    ]
    slow = [("plain", it["p95_ms"] or 0.0) for it in filled]
    typical = [("this", it["p50_ms"] or 0.0) for it in filled]
    largest = max(value for _, value in slow)
    return {
        "bars": [
            {**it, "start": start, "segments": segments, "p95": p95, "p50": p50}
            for it, start, segments, p95, p50 in zip(
                filled,
                bars,
                charts.stack(counts, CHART_HEIGHT),
                charts.columns(slow, CHART_HEIGHT, largest),
                charts.columns(typical, CHART_HEIGHT, largest),
                strict=True,
            )
        ],
        "count_lines": charts.grid(max(it["events"] for it in filled), CHART_HEIGHT),
        "time_lines": charts.time_grid(largest, CHART_HEIGHT),
        "labels": charts.labels([start.strftime(window.form) for start in bars]),
    }
