"""How many Python functions a request calls: the cost that no other load on the machine changes.

A count above its expected value is printed as a warning. A count well below it means that the
expected value can be lowered.
"""

import io
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.test import EnvironBuilder

from app import create_app
from telemetry.config import Config
from tests.support.audio_runtime import event
from tests.support.runs import full_run
from tests.support.runtime_events import full_event

RUNS = "/api/v1/runs"
EVENTS = "/api/runtime/events"
LEDGER = "/api/v1/audio-runtime/events"

SINGLE_REQUESTS, BATCHES = 5, 2
BATCH = 500

_numbers = count()


class Request(NamedTuple):
    """A kind of request: ``record`` makes a new record, a batch has several ``records``."""

    title: str
    url: str
    record: Callable[[], dict[str, Any]]
    expected: float
    records: int = 1


def _run() -> dict[str, Any]:
    return full_run(f"event-{next(_numbers)}")


def _runtime_event() -> dict[str, Any]:
    return full_event(id=f"event-{next(_numbers)}")


# What Python 3.13 calls, plus two percent.
REQUESTS = (
    Request("create a run", RUNS, _run, 278),
    Request("create a runtime event", EVENTS, _runtime_event, 298),
    Request("append a VAD_EVENT", LEDGER, partial(event, "VAD_EVENT"), 296),
    Request("append a TIMING_STATS", LEDGER, partial(event, "TIMING_STATS"), 289),
    Request("batch of runs", f"{RUNS}/batch", _run, 17.2, BATCH),
    Request("batch of runtime events", f"{EVENTS}/batch", _runtime_event, 32.5, BATCH),
    Request(
        "batch of ledger events", f"{LEDGER}/batch", partial(event, "TIMING_STATS"), 20.3, BATCH
    ),
)


def measure(database_url: str) -> list[dict[str, Any]]:
    """Return the calls of each request, per record, over a migrated and empty database."""
    app = create_app(Config(database_url=database_url))
    try:
        client = app.test_client()
        client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
        client.get("/api/v1/metadata")
        results: list[dict[str, Any]] = [
            {
                "title": request.title,
                "calls": min(_counts(app, request)) / request.records,
                "expected": request.expected,
            }
            for request in REQUESTS
        ]
    finally:
        for opened in app.extensions["databases"] + app.extensions["probes"]:
            opened.close()
    for result in results:
        if result["calls"] > result["expected"]:
            print(
                f"warning: {result['title']}: {result['calls']:.1f} Python calls per record,"
                f" more than the expected {result['expected']}",
                file=sys.stderr,
            )
    return results


def section(measured: list[dict[str, Any]]) -> list[str]:
    """Return the section of the report, in Markdown."""
    return [
        "### Python functions called per record",
        "",
        "| request | calls | expected at most | met |",
        "| --- | ---: | ---: | --- |",
        *(
            f"| {one['title']} | {one['calls']:.1f} | {one['expected']}"
            f" | {'yes' if one['calls'] <= one['expected'] else '**no**'} |"
            for one in measured
        ),
        "",
    ]


def _counts(app: Flask, request: Request) -> Iterator[int]:
    """Yield the calls of several requests of the same kind. Raises RuntimeError if one fails."""
    single = request.records == 1
    for _ in range(SINGLE_REQUESTS if single else BATCHES):
        payload = [request.record() for _ in range(request.records)]
        status, calls = _count(app, request.url, payload[0] if single else payload)
        if status != (201 if single else 200):
            raise RuntimeError(f"{request.title}: status {status}")
        yield calls


def _count(app: Flask, url: str, payload: Any) -> tuple[int, int]:
    """Return the status of a POST and the Python functions that it called in this thread."""
    body = json.dumps(payload).encode()
    environ = EnvironBuilder(
        path=url, method="POST", data=body, content_type="application/json"
    ).get_environ()
    environ["wsgi.input"] = io.BytesIO(body)
    statuses: list[str] = []
    calls = 0

    def profile(frame: Any, kind: str, argument: Any) -> None:
        nonlocal calls
        calls += kind == "call"

    sys.setprofile(profile)
    try:
        app.wsgi_app(environ, lambda status, headers, error=None: statuses.append(status))
    finally:
        sys.setprofile(None)
    return int(statuses[0][:3]), calls
