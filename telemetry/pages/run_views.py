"""The routes of runs: the table, its exports, one run and two of them side by side."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from flask import Response, request

from telemetry.database.database import Row
from telemetry.http.caller import shows_pages
from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.pages import compare, export, query, render, run, runs
from telemetry.pages.errors import not_found
from telemetry.pages.extension import blueprint, pages
from telemetry.pages.live import refreshing, runs_change
from telemetry.pages.schema import CompareSchema, RunsSchema
from telemetry.payloads.query_string import read_query

runs_schema = RunsSchema()
compare_schema = CompareSchema()

CANDIDATES = 12

WRONG_CURSOR = "Must come from a page of this table"


@blueprint.get("/runs")
@shows_pages
@refreshing(runs_change)
def list_runs() -> Response:
    """Return a page of the table, newest first."""
    asked = query.read(runs_schema)
    now = datetime.now(UTC)
    page = runs.Page([], None, None)
    try:
        if not asked.errors:
            page = runs.page_of(pages().runs, asked.values)
    except ValueError:
        asked.errors["newer" if asked.values["newer"] else "cursor"] = WRONG_CURSOR
    return render.page(
        "runs.html",
        status=asked.status,
        asked=asked,
        page=page,
        rows=runs.for_table(page.rows, now),
        chips=runs.chips(asked.given()),
        has_filters=bool(asked.given()),
    )


@blueprint.get("/runs.csv")
@shows_pages
def export_csv() -> Response:
    """Return all runs that the filters of the table leave, as CSV."""
    return _export(export.csv_lines, "csv", "text/csv; charset=utf-8")


@blueprint.get("/runs.jsonl")
@shows_pages
def export_json_lines() -> Response:
    """Return all runs that the filters of the table leave, as JSON Lines."""
    return _export(export.json_lines, "jsonl", "application/x-ndjson")


@blueprint.get("/runs/<event_id>")
@shows_pages
@refreshing(runs_change)
def show_run(event_id: str) -> Response:
    """Return what happened in one run."""
    now = datetime.now(UTC)
    found = _get(event_id)
    shown = run.collect(pages().runs, found, now)
    return render.page("run.html", run=found, **shown)


@blueprint.get("/runs/compare")
@shows_pages
def compare_runs() -> Response:
    """Return two runs side by side, or what to choose from when one is missing.

    A run may be called ``compare``. Its page has this path too, but no query string.
    """
    if not request.args and pages().runs.get("compare"):
        return show_run(event_id="compare")
    asked = query.read(compare_schema)
    now = datetime.now(UTC)
    found: dict[str, Any] = {}
    for name in ("a", "b"):
        if event_id := asked.values[name]:
            found[name] = pages().runs.get(event_id)
            if found[name] is None:
                asked.errors[name] = "There is no such run"
    both = [found.get("a"), found.get("b")]
    given = next((it for it in both if it), None)
    candidates = pages().runs.durations(given, CANDIDATES) if given and None in both else []
    return render.page(
        "compare.html",
        status=404 if asked.errors and any(both) else asked.status,
        asked=asked,
        a=both[0],
        b=both[1],
        given=given,
        candidates=[it for it in candidates if given and it["event_id"] != given["event_id"]],
        **(_differences(both[0], both[1], now) if both[0] and both[1] else {}),
    )


def _differences(a: Row, b: Row, now: datetime) -> dict[str, Any]:
    return {
        "fields": compare.fields(a, b, now),
        "metrics": compare.objects(a["metrics_json"], b["metrics_json"]),
        "context": compare.objects(a["context_json"], b["context_json"], only_different=True),
    }


def _get(event_id: str) -> Row:
    found = pages().runs.get(event_id)
    if found is None:
        raise not_found(f"There is no run with the event_id {event_id[:255]}")
    return found


def _export(
    lines_of: Callable[[Iterator[Any]], Iterator[bytes]], name: str, content_type: str
) -> Response:
    absent = dict.fromkeys(runs_schema.fields)
    values = {**absent, **read_query(runs_schema), "newer": None}
    try:
        filters = runs.filters_of(values)
    except ValueError:
        raise Invalid([problem(["query", "cursor"], WRONG_CURSOR, "cursor")]) from None
    lines = lines_of(pages().runs.export(pages().runs.with_search(filters)))
    # The first line comes before the response begins, so that a failure still has its status.
    begun = [line for _, line in zip(range(2), lines, strict=False)]
    response = Response(chain(begun, lines), headers=render.HEADERS, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="runs.{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
