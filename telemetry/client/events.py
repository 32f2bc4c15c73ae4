"""Making the record of a runtime event."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from telemetry.client import values
from telemetry.client.fields import EVENT_SOURCES

_MAX_ENDPOINT = 4096
_SHORTEST_MS = 0.001


def event_record(
    event_id: str,
    endpoint: str,
    runtime_ms: float,
    *,
    source: str,
    method: str,
    status_code: int,
    raw_endpoint: str | None,
    idea_id: str | None,
    metadata: Mapping[str, Any] | None,
) -> str:
    """Return the event as JSON that the service accepts; id comes first."""
    fields: dict[str, Any] = {
        "id": event_id,
        "source": source if source in EVENT_SOURCES else "worker",
        "endpoint": values.shown(endpoint)[:_MAX_ENDPOINT].strip() or "/",
        "method": "".join(values.shown(method).split()).replace("/", "")[:32] or "GET",
        "status_code": status_code if _is_status(status_code) else 200,
        "runtime_ms": _duration(runtime_ms),
    }
    if raw_endpoint:
        fields["raw_endpoint"] = values.shown(raw_endpoint)[:_MAX_ENDPOINT]
    if idea_id:
        fields["idea_id"] = values.shown(idea_id)[:255]
    if metadata:
        fields["metadata"] = {
            values.shown(name): _scalar(value) for name, value in [*metadata.items()]
        }
    return values.encode(fields)


def _is_status(value: object) -> bool:
    return type(value) is int and 100 <= value <= 599


def _duration(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = 0.0
    return max(number, _SHORTEST_MS) if math.isfinite(number) else _SHORTEST_MS


def _scalar(value: Any) -> Any:
    """Return the value if it is a scalar, else its JSON as text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    encoded = values.encode({"": value})
    inner = json.loads(encoded)[""]
    return inner if isinstance(inner, str) else json.dumps(inner)
