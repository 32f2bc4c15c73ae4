"""The page of runtime events: endpoints, one endpoint over time, and ideas."""

from datetime import UTC, datetime
from typing import Any

from flask import Response

from telemetry.database.database import Row
from telemetry.pages import charts, formats, query, render
from telemetry.pages.event_store import EventPages
from telemetry.pages.extension import blueprint, pages
from telemetry.pages.live import any_change, refreshing
from telemetry.pages.schema import RuntimeSchema
from telemetry.pages.together import together
from telemetry.pages.window import Window, window_of

ENDPOINTS = 100
IDEAS = 15
CHART_HEIGHT = 110

runtime_schema = RuntimeSchema()


@blueprint.get("/runtime")
@refreshing(any_change)
def show_runtime() -> Response:
    """Return the endpoints of a window, or one of them over time."""
    asked = query.read(runtime_schema)
    window = window_of(query.given(asked.values), datetime.now(UTC))
    events = pages().events
    shown: dict[str, Any] = {"endpoints": None, "endpoint": None}
    if events is not None and not asked.errors:
        parameters = {
            "recorded_from": window.start,
            "recorded_until": window.until,
            "source": asked.values["source"],
        }
        if name := asked.values["endpoint"]:
            shown |= _one(events, window, parameters, name)
        else:
            shown |= together(
                endpoints=lambda: events.endpoints(parameters, ENDPOINTS),
                ideas=lambda: events.ideas(parameters, IDEAS),
            )
    return render.page(
        "runtime.html",
        status=asked.status,
        asked=asked,
        window=window,
        is_stored=events is not None,
        **shown,
    )


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
        "time_lines": [
            charts.Line(line.y, formats.duration(line.value))
            for line in charts.grid_values(largest, CHART_HEIGHT)
        ],
        "labels": charts.labels([start.strftime(window.form) for start in bars]),
    }
