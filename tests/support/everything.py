"""Requests that use every statement of the service, to compare databases with each other."""

from collections.abc import Iterator
from typing import Any

from flask import Flask

from tests.support.audio_runtime import KIND_FIELDS, KINDS
from tests.support.runs import full_run, minimal_run
from tests.support.runtime_events import full_event, minimal_event

Request = tuple[str, str, Any]

RUNS = "/api/v1/runs"
EVENTS = "/api/runtime"
LEDGER = "/api/v1/audio-runtime"
TENANT = "tenant_id=tenant-1"

# What differs from one database or moment to the next.
VOLATILE = {
    "created_at",
    "duration_ms",
    "recorded_at",
    "started_at",
    "timestamp",
    "token",
    "uptime_human",
    "uptime_seconds",
    "updated_at",
    "checked_at",
}


def requests(number: int) -> Iterator[Request]:
    """Yield the requests of one round; each round writes rows of its own."""
    yield from run_requests(number)
    yield from runtime_event_requests(number)
    yield from ledger_requests(number)
    for url in ("/metrics", "/api/ready", "/api/health/persistence"):
        yield "GET", url, None


def run_requests(number: int) -> Iterator[Request]:
    one, two, three, four = (f"run-{number}-{n}" for n in range(4))
    yield "POST", RUNS, full_run(one)
    yield "POST", RUNS, full_run(one, product="other")
    yield "POST", RUNS, minimal_run(two)
    yield "POST", RUNS, minimal_run(two, status="success", duration_ms=5)
    yield "POST", f"{RUNS}/batch", [full_run(three), minimal_run(four)]
    yield "POST", f"{RUNS}/batch", [full_run(three), minimal_run(four, status="failure"), {}]
    yield "PATCH", f"{RUNS}/{one}", {"status": "success", "items_failed": 3}
    yield "PATCH", f"{RUNS}/{two}", {"status": "running"}
    yield "PATCH", f"{RUNS}/{two}", {"status": "running", "reopen": True}
    yield (
        "POST",
        f"{RUNS}/{one}/associate-commit",
        {"commit_hash": "0123abc", "commit_source": "ci"},
    )
    for query in ("", "?limit=2", "?agent_name=agent-a", "?status=success&job_type=crawl"):
        yield "GET", f"{RUNS}{query}", None
    for path in (one, f"{one}/commit-url", f"{one}/repo-url", "absent"):
        yield "GET", f"{RUNS}/{path}", None
    yield "GET", "/api/v1/metadata", None


def runtime_event_requests(number: int) -> Iterator[Request]:
    one = full_event(id=f"event-{number}")
    yield "POST", f"{EVENTS}/events", one
    yield "POST", f"{EVENTS}/events", one
    yield "POST", f"{EVENTS}/events/batch", [one, minimal_event(id=f"new-{number}"), {}]
    for path in ("events?limit=3", "events?source=api", "endpoints/summary", "change-token"):
        yield "GET", f"{EVENTS}/{path}", None


def ledger_requests(number: int) -> Iterator[Request]:
    device, session = f"device-{number}", 70 + number
    names = {"tenant_id": "tenant-1", "device_id": device}

    def event(kind: str, key: str) -> dict[str, Any]:
        own = {"event_kind": kind, "idempotency_key": key, "created_at": 5, **KIND_FIELDS[kind]}
        return {**names, "session_id": session, **own}

    yield "PUT", f"/api/v1/devices/{device}", {"tenant_id": "tenant-1"}
    yield "PUT", f"/api/v1/devices/{device}", {"tenant_id": "tenant-1", "device_type": "phone"}
    yield "PUT", f"/api/v1/sessions/{session}", names
    yield "PUT", f"/api/v1/sessions/{session}", names
    for kind in KINDS:
        yield "POST", f"{LEDGER}/events", event(kind, "single")
    yield "POST", f"{LEDGER}/events", {**event("VAD_EVENT", "single"), "created_at": 6}
    yield "POST", f"{LEDGER}/events", {**event("VAD_EVENT", "foreign"), "device_id": "none"}
    batch = [event(kind, "batch") for kind in KINDS]
    yield "POST", f"{LEDGER}/events/batch", batch
    yield "POST", f"{LEDGER}/events/batch", [*batch, event("VAD_EVENT", "last"), {}]
    yield "POST", f"{LEDGER}/rebuild", {"tenant_id": "tenant-1"}
    yield "POST", f"{LEDGER}/rebuild", names
    for path in ("events", "current", "heads"):
        yield "GET", f"{LEDGER}/{path}?{TENANT}", None
    yield "GET", f"{LEDGER}/events?{TENANT}&device_id={device}&limit=3&after=2", None
    yield "GET", f"{LEDGER}/current/tenant-1/{device}", None
    yield "GET", f"/api/v1/audit/events?{TENANT}", None
    yield "GET", f"/api/v1/audit/events?{TENANT}&device_id={device}&after=2", None


def play(app: Flask, rounds: range) -> list[tuple[str, str, int, Any]]:
    """Send all requests of the rounds; return the responses without what is volatile."""
    client = app.test_client()
    played = []
    for number in rounds:
        for method, url, body in requests(number):
            response = client.open(url, method=method, json=body)
            played.append((method, url, response.status_code, stable(response.get_json())))
    return played


def stable(value: Any) -> Any:
    """Return the value without its volatile members."""
    if isinstance(value, dict):
        return {name: stable(it) for name, it in value.items() if name not in VOLATILE}
    return [stable(it) for it in value] if isinstance(value, list) else value
