"""The words that pages use for what is in the database."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, request

from telemetry.pages import formats

# The flags of a device that say it needs attention, and the words for them.
FLAGS = {
    "capture_degraded": "capture degraded",
    "aec_unstable": "echo unstable",
    "device_changed": "device changed",
    "stream_gap_detected": "stream gap",
}

# A health or a flag looks like the state of a run that is as bad.
HEALTH = {"FAILED": "failure", "DEGRADED": "partial", "HEALTHY": "success"}


def troubles(device: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with a device: words, and the state that they look like."""
    health = device["device_health"]
    bad = [(health.lower(), HEALTH[health])] if health in ("FAILED", "DEGRADED") else []
    return bad + flags(device)


def flags(device: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the words for the flags that are set, and the state that they look like."""
    return [(words, "stale") for flag, words in FLAGS.items() if device[flag]]


def health_state(health: str | None) -> str:
    """Return the state that a health looks like."""
    return HEALTH.get(health or "", "cancelled")


def measure(value: float | None, unit: str) -> str:
    """Return a measurement with its unit, to three digits or to a whole number."""
    if value is None:
        return formats.NOTHING
    text = f"{value:,.0f}" if 100 <= abs(value) < 1e9 else f"{value:.3g}"
    return f"{text.replace('-', '−')} {unit}"


def scalar(value: Any) -> str:
    """Return the value of a field: a boolean in words, a number with the sign of print."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("-", "−") if isinstance(value, int | float) else str(value)


def device_time(nanoseconds: int | None) -> datetime | str | None:
    """Return the time of a device's clock, or its number where no calendar has it."""
    if nanoseconds is None:
        return None
    return formats.of_nanoseconds(nanoseconds) or f"{nanoseconds} ns"


def just_before(moment: datetime | None) -> datetime | None:
    """Return the bound of an exclusive filter that includes the moment; None: no bound."""
    return formats.shifted(moment, -timedelta(microseconds=1)) if moment else None


def post_run() -> str:
    """Return a command that creates a run at this host."""
    return curl(
        "/api/v1/runs",
        '{"event_id": "first-run", "run_id": "run-1", "agent_name": "my-agent",'
        ' "job_type": "crawl", "status": "success", "start_time": "2026-01-31T12:00:00Z"}',
    )


def post_event() -> str:
    """Return a command that creates a runtime event at this host."""
    return curl("/api/runtime/events", '{"source": "api", "endpoint": "/ideas", "runtime_ms": 38}')


def put_device() -> str:
    """Return a command that creates a device at this host."""
    return curl("/api/v1/devices/kitchen-1", '{"tenant_id": "acme"}', method="PUT")


def append_event(device: Mapping[str, Any]) -> str:
    """Return a command that appends an event of the device at this host."""
    return curl(
        "/api/v1/audio-runtime/events",
        f'{{"tenant_id": "{device["tenant_id"]}", "device_id": "{device["device_id"]}",'
        ' "event_kind": "VAD_EVENT", "created_at": 1769860800000000000,'
        ' "idempotency_key": "first-event", "processed_stream_id": "stream-1"}',
    )


def curl(
    path: str,
    body: str = "",
    method: str = "POST",
    *,
    content_type: str = "application/json",
    needs_token: bool = True,
) -> str:
    """Return the command that sends a request to this host."""
    url = f"{request.host_url.rstrip('/')}{path}"
    command = f"curl -X {method} " if method != "GET" else "curl "
    lines = [command + (f"'{url}'" if "?" in url else url)]
    if needs_token and current_app.extensions["config"].auth_enabled:
        lines.append('-H "Authorization: Bearer $TELEMETRY_API_AUTH_TOKEN"')
    if body:
        # -d would take the line ends out of JSON Lines.
        data = "-d" if content_type == "application/json" else "--data-binary"
        lines += [f"-H 'Content-Type: {content_type}'", f"{data} '{body}'"]
    return " \\\n  ".join(lines)
