"""What a request costs, counted in calls of Python functions, so that no change makes it slower
unnoticed. A count well below its limit means that the limit can be lowered.
"""

import io
import json
import sys

import pytest
from werkzeug.test import EnvironBuilder

from tests.support.audio_runtime import event
from tests.support.runs import full_run
from tests.support.runtime_events import full_event

RUNS = "/api/v1/runs"
EVENTS = "/api/runtime/events"
LEDGER = "/api/v1/audio-runtime/events"


def count_calls(app, url, payload):
    """Return the status of a POST, and how many Python functions it called in this thread."""
    body = json.dumps(payload).encode()
    environ = EnvironBuilder(
        path=url, method="POST", data=body, content_type="application/json"
    ).get_environ()
    environ["wsgi.input"] = io.BytesIO(body)
    statuses = []
    count = 0

    def note(frame, kind, argument):
        nonlocal count
        count += kind == "call"

    sys.setprofile(note)
    try:
        app.wsgi_app(environ, lambda status, headers, error=None: statuses.append(status))
    finally:
        sys.setprofile(None)
    return int(statuses[0][:3]), count


@pytest.fixture
def app(make_app):
    app = make_app()
    client = app.test_client()
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    client.get("/api/v1/metadata")
    return app


@pytest.mark.parametrize(
    ("url", "payloads", "limit"),
    [
        (RUNS, [full_run(f"event-{number}") for number in range(5)], 245),
        (EVENTS, [full_event(id=f"event-{number}") for number in range(5)], 265),
        *[(LEDGER, [event(kind) for _ in range(5)], 255) for kind in ("VAD_EVENT", "TIMING_STATS")],
    ],
)
def test_a_create_calls_no_more_functions_than_it_has_to(app, url, payloads, limit):
    results = [count_calls(app, url, payload) for payload in payloads]
    assert {status for status, _ in results} == {201}
    assert min(count for _, count in results) <= limit, results


@pytest.mark.parametrize(
    ("url", "make", "limit"),
    [
        (f"{RUNS}/batch", lambda number: full_run(f"event-{number}"), 17),
        (f"{EVENTS}/batch", lambda number: full_event(id=f"event-{number}"), 32),
        (f"{LEDGER}/batch", lambda number: event("TIMING_STATS"), 16),
    ],
)
def test_a_batch_calls_few_functions_for_each_record(app, url, make, limit):
    batches = [[make(number) for number in range(first, first + 500)] for first in (0, 500)]
    results = [count_calls(app, url, batch) for batch in batches]
    assert {status for status, _ in results} == {200}
    assert min(count for _, count in results) / 500 <= limit, results
