"""How many round trips to the database each request takes, so that no change adds one."""

import pytest

from tests.support.audio_runtime import KINDS, event
from tests.support.runs import full_run
from tests.support.runtime_events import full_event
from tests.support.wire import Wire

pytestmark = pytest.mark.one_node("a write takes a transaction of several statements there")

LEDGER = "/api/v1/audio-runtime/events"
RUNS = [full_run(f"run-{number}") for number in range(50)]
EVENTS = [full_event(id=f"event-{number}") for number in range(50)]
# After this many requests the driver has prepared the statements.
TIMES = 8


@pytest.fixture
def wire(database_url):
    wire = Wire(database_url)
    yield wire
    wire.close()


@pytest.fixture
def client(make_app, wire):
    client = make_app(database_url=wire.url, db_pool_size=1).test_client()
    assert client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"}).status_code == 201
    return client


def posts(url, *bodies):
    return [("POST", url, body) for body in bodies]


NEW_RUNS = [full_run(f"new-{number}") for number in range(TIMES)]
NEW_EVENTS = [full_event(id=f"new-{number}") for number in range(TIMES)]
SAME = event("VAD_EVENT")

CASES = {
    "create a run": (1, posts("/api/v1/runs", *NEW_RUNS)),
    "create a run again": (2, posts("/api/v1/runs", *[RUNS[0]] * TIMES)),
    "create runs": (3, posts("/api/v1/runs/batch", *[[run] for run in NEW_RUNS])),
    "create runs again": (4, posts("/api/v1/runs/batch", *[RUNS] * TIMES)),
    "update a run": (1, [("PATCH", "/api/v1/runs/run-1", {"status": "failure"})] * TIMES),
    "get a run": (1, [("GET", "/api/v1/runs/run-1", None)] * TIMES),
    "list runs": (1, [("GET", "/api/v1/runs?limit=50", None)] * TIMES),
    "metadata": (1, [("GET", "/api/v1/metadata", None)] * TIMES),
    "metrics": (1, [("GET", "/metrics", None)] * TIMES),
    "create an event": (1, posts("/api/runtime/events", *NEW_EVENTS)),
    "create an event again": (2, posts("/api/runtime/events", *[EVENTS[0]] * TIMES)),
    "create events": (2, posts("/api/runtime/events/batch", *[[it] for it in NEW_EVENTS])),
    "create events again": (3, posts("/api/runtime/events/batch", *[EVENTS] * TIMES)),
    "list events": (1, [("GET", "/api/runtime/events", None)] * TIMES),
    "summary": (1, [("GET", "/api/runtime/endpoints/summary", None)] * TIMES),
    "change token": (1, [("GET", "/api/runtime/change-token", None)] * TIMES),
    "append": (1, posts(LEDGER, *[event(KINDS[n % 7]) for n in range(TIMES)])),
    "append again": (2, posts(LEDGER, *[SAME] * TIMES)),
    "append events": (
        2,
        posts(f"{LEDGER}/batch", *[[event(kind) for kind in KINDS] for _ in range(TIMES)]),
    ),
    "append what is refused": (1, posts(LEDGER, *[event(device_id="nobody")] * TIMES)),
    "liveness": (0, [("GET", "/health", None)] * TIMES),
}


@pytest.mark.parametrize(("expected", "requests"), CASES.values(), ids=CASES)
def test_a_request_takes_a_fixed_number_of_round_trips(client, wire, expected, requests):
    client.post("/api/v1/runs/batch", json=RUNS)
    client.post("/api/runtime/events/batch", json=EVENTS)
    client.post(LEDGER, json=SAME)
    for method, path, body in requests:
        before = wire.round_trips
        response = client.open(path, method=method, json=body)
        assert response.status_code < 500
    assert wire.round_trips - before == expected
