"""What the processes count: right with several workers, and bounded whatever clients send."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from telemetry import counters, shared_memory
from telemetry.http.server_refusals import REFUSALS
from tests.support.audio_runtime import KINDS, event
from tests.support.runs import minimal_run
from tests.support.runtime_events import BATCH_URL, URL, minimal_event
from tests.support.samples import samples, value
from tests.support.waiting import wait_until

COUNT = "telemetry_http_request_duration_seconds_count"
RECORDS = "telemetry_records_total"
IN_USE = "telemetry_db_pool_connections_in_use"
RESPONSES = "telemetry_http_responses_total"
LEDGER = "/api/v1/audio-runtime/events"


@pytest.fixture
def grown(client):
    """Return by how much a value has grown since the test began: other tests count as well."""
    before = samples(client)

    def growth(name, **labels):
        return value(samples(client), name, **labels) - value(before, name, **labels)

    return growth


def outcomes(grown, domain):
    found = {it: grown(RECORDS, domain=domain, outcome=it) for it in counters.OUTCOMES}
    found["differing"] = grown("telemetry_differing_records_total", domain=domain)
    return {outcome: number for outcome, number in found.items() if number}


def test_requests_are_counted_by_route_and_status(client, grown):
    client.post("/api/v1/runs", json=minimal_run("event-1"))
    for name in ("event-1", "event-2", "event-3"):
        client.get(f"/api/v1/runs/{name}")
    client.head("/api/v1/runs/event-1")
    route = "/api/v1/runs/<event_id>"
    assert grown(COUNT, method="GET", route=route, status="200") == 2
    assert grown(COUNT, method="GET", route=route, status="404") == 2
    assert grown(COUNT, method="POST", route="/api/v1/runs", status="201") == 1
    bucket = COUNT.replace("_count", "_bucket")
    assert grown(bucket, method="GET", route=route, status="404", le="+Inf") == 2
    total = COUNT.replace("_count", "_sum")
    assert 0 < grown(total, method="POST", route="/api/v1/runs", status="201") < 10


def test_no_request_makes_a_new_series(client, grown):
    for number in range(30):
        client.get(f"/nothing/{number}")
        client.open(f"/api/v1/runs/{number}", method=f"METHOD{number}")
        client.get(f"/api/v1/runs?status=nonsense-{number}")
    assert grown(COUNT, method="other", route="unknown", status="404") == 30
    assert grown(COUNT, method="other", route="unknown", status="405") == 30
    assert grown(COUNT, method="GET", route="/api/v1/runs", status="400") == 30
    labels = {it for labels in samples(client)[COUNT] for it in labels}
    assert {it for it in labels if "nothing" in it[1] or "METHOD" in it[1]} == set()


def test_runs_are_counted_by_outcome(client, grown):
    for body in (
        minimal_run("a"),
        minimal_run("a"),
        minimal_run("a", run_id="other"),
        minimal_run("a", status="success"),
        {"event_id": "b"},
    ):
        client.post("/api/v1/runs", json=body)
    assert outcomes(grown, "agent_runs") == {
        "created": 1,
        "duplicate": 2,
        "differing": 1,
        "completed": 1,
        "refused": 1,
    }


def test_a_batch_is_counted_by_outcome(client, grown):
    client.post("/api/v1/runs", json=minimal_run("a"))
    batch = [minimal_run("a", status="failure"), minimal_run("b"), minimal_run("b"), {}, 1]
    client.post("/api/v1/runs/batch", json=batch)
    assert outcomes(grown, "agent_runs") == {
        "created": 2,
        "completed": 1,
        "duplicate": 1,
        "refused": 2,
    }
    assert grown("telemetry_batch_records_sum", domain="agent_runs") == 5
    assert grown("telemetry_batch_records_bucket", domain="agent_runs", le="1.0") == 0
    assert grown("telemetry_batch_records_bucket", domain="agent_runs", le="10.0") == 1


def test_runtime_events_are_counted_by_outcome(client, grown):
    client.post(URL, json=minimal_event(id="a"))
    client.post(URL, json=minimal_event(id="a"))
    client.post(BATCH_URL, json=[minimal_event(id="a"), minimal_event(id="b"), {}])
    client.post(URL, json={})
    assert outcomes(grown, "runtime_events") == {"created": 2, "duplicate": 2, "refused": 2}


def test_appends_are_counted_by_kind(client, grown):
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    known = event("VAD_EVENT")
    client.post(LEDGER, json=known)
    client.post(LEDGER, json={**known, "processed_stream_id": "other"})
    client.post(LEDGER, json=event(device_id="nobody"))
    batch = [event("TIMING_STATS"), event("TIMING_STATS"), known, {}]
    client.post(f"{LEDGER}/batch", json=batch)
    assert outcomes(grown, "audio_runtime") == {
        "created": 3,
        "duplicate": 2,
        "differing": 1,
        "refused": 2,
    }
    assert grown("telemetry_ledger_appends_total", event_kind="TIMING_STATS") == 2
    assert grown("telemetry_ledger_appends_total", event_kind="VAD_EVENT") == 1


def test_the_pool_and_the_groups_are_counted(client, grown):
    for number in range(5):
        client.post("/api/v1/runs", json=minimal_run(str(number)))
    assert grown("telemetry_group_commit_records_sum", domain="agent_runs") == 5
    assert grown("telemetry_db_pool_wait_seconds_count", database="records") >= 5
    assert grown("telemetry_db_pool_use_seconds_total", database="records") > 0
    # The scrape itself has given its connection back.
    assert grown("telemetry_db_pool_connections_in_use", database="records") == 0


def test_every_route_has_its_place(client):
    routes = {rule.rule for rule in client.application.url_map.iter_rules()}
    named = {route for _, route in counters.REQUESTS.routes}
    assert routes <= named
    places = max(counters.REQUESTS.routes.values())
    assert places < 0.8 * shared_memory.SLOT_NUMBERS


def test_only_outcomes_that_can_occur_have_series(client):
    found = {tuple(sorted(dict(labels).values())) for labels in samples(client)[RECORDS]}
    assert ("agent_runs", "completed") in found
    assert ("completed", "runtime_events") not in found
    differing = samples(client)["telemetry_differing_records_total"]
    assert {dict(labels)["domain"] for labels in differing} == {"agent_runs", "audio_runtime"}


def test_the_responses_of_each_class_have_a_series_from_the_start(client, grown):
    assert {dict(labels)["class"] for labels in samples(client)[RESPONSES]} == {
        "2xx",
        "3xx",
        "4xx",
        "5xx",
    }
    client.get("/nothing")
    assert grown(RESPONSES, **{"class": "4xx"}) == 1


def test_every_kind_and_every_refusal_of_the_server_has_a_series(client):
    found = samples(client)
    kinds = {dict(it)["event_kind"] for it in found["telemetry_ledger_appends_total"]}
    assert kinds == {*KINDS}
    refused = {dict(it)["status"] for it in found["telemetry_http_refusals_total"]}
    assert refused == {str(status) for status, _, _ in REFUSALS.values()}


def test_a_record_that_is_too_large_or_of_another_type_is_refused(client, grown):
    client.post("/api/v1/runs", data="x", content_type="text/plain")
    assert outcomes(grown, "agent_runs") == {"refused": 1}


@pytest.mark.long
def test_the_values_are_right_with_several_workers(start_service):
    service = start_service(WEB_CONCURRENCY="3")

    def send(number):
        with httpx.Client(base_url=service.url, timeout=40) as client:
            for part in range(10):
                assert client.post("/api/v1/runs", json=minimal_run(f"{number}-{part}"))

    with ThreadPoolExecutor(12) as pool:
        [*pool.map(send, range(12))]
    workers = service.workers()
    for _ in range(5):  # whichever worker the scrape reaches
        with httpx.Client(base_url=service.url, timeout=40) as client:
            found = samples(client)
            assert value(found, RECORDS, domain="agent_runs", outcome="created") == 120
            created = {"method": "POST", "route": "/api/v1/runs", "status": "201"}
            assert value(found, COUNT, **created) == 120
            assert value(found, "telemetry_group_commit_records_sum", domain="agent_runs") == 120
    assert len(workers) == 3


@pytest.mark.long
def test_no_counter_falls_when_workers_are_replaced(start_service):
    service = start_service(WEB_CONCURRENCY="2")
    for number in range(20):
        with httpx.Client(base_url=service.url, timeout=40) as client:
            client.post("/api/v1/runs", json=minimal_run(str(number)))
    old = service.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(service.workers() - old) == 2)

    def created():
        with httpx.Client(base_url=service.url, timeout=40) as client:
            return value(samples(client), RECORDS, domain="agent_runs", outcome="created")

    wait_until(lambda: created() == 20)
    with httpx.Client(base_url=service.url, timeout=40) as client:
        client.post("/api/v1/runs", json=minimal_run("new"))
    assert created() == 21


def test_what_the_server_refuses_is_counted(start_service):
    service = start_service(WEB_CONCURRENCY="2")
    assert service.client.get("/health", headers={"Expect": "a miracle"}).status_code == 417
    assert value(samples(service.client), "telemetry_http_refusals_total", status="417") == 1


def test_a_slot_is_used_by_one_worker(monkeypatch):
    monkeypatch.setattr(shared_memory, "_slots", [None] * 3)
    assert shared_memory.free_slot(set()) == 0
    assert shared_memory.free_slot({0, 1}) == 2
    assert shared_memory.free_slot({0, 1, 2}) == 2


@pytest.mark.faults
def test_a_reload_loses_nothing(start_service):
    service = start_service(WEB_CONCURRENCY="2")
    sent, old = 0, service.workers()
    with httpx.Client(base_url=service.url, timeout=40) as kept:  # its worker drains
        for number in range(5):
            kept.post("/api/v1/runs", json=minimal_run(f"a-{number}"))
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(service.workers() - old) == 2)
        for number in range(6):
            with httpx.Client(base_url=service.url, timeout=40) as client:
                client.post("/api/v1/runs", json=minimal_run(f"b-{number}"))
                sent = 6 + number
                found = samples(client)
            created = {"domain": "agent_runs", "outcome": "created"}
            assert value(found, RECORDS, **created) == sent
    wait_until(lambda: not service.workers() & old)
    assert value(samples(service.client), RECORDS, domain="agent_runs", outcome="created") == sent
    assert value(samples(service.client), IN_USE, database="records") == 0


def test_the_slot_of_another_layout_is_not_added(monkeypatch):
    theirs = memoryview(bytearray(8 * shared_memory.SLOT_NUMBERS)).cast("d")
    monkeypatch.setattr(shared_memory, "_slots", [*shared_memory._slots, theirs])
    before = shared_memory.totals(5)
    theirs[0], theirs[1] = 7.0, 100.0
    assert shared_memory.totals(5) == before


def test_a_worker_of_another_layout_keeps_only_what_it_has_set(monkeypatch):
    slot = memoryview(bytearray(8 * shared_memory.SLOT_NUMBERS)).cast("d")
    monkeypatch.setattr(shared_memory, "values", slot)
    slot[0], slot[5], slot[9] = 7.0, 8.0, 100.0
    shared_memory.begin("mine", [slice(5, 6)])
    assert (slot[5], slot[9]) == (8.0, 0.0)
    slot[9] = 1.0
    shared_memory.begin("mine", [])
    assert slot[9] == 1.0
