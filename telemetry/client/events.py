"""Making the record of a runtime event."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from telemetry.client import values
from telemetry.client.fields import EVENT_SOURCES

_MAX_ENDPOINT = 4096
_SHORTEST_MS = 0.001


class Event(NamedTuple):
    """A runtime event as it was reported, with values of any kind."""

    endpoint: str
    runtime_ms: float
    source: str
    method: str
    status_code: int
    raw_endpoint: str | None
    idea_id: str | None
    metadata: Mapping[str, Any] | None


def event_record(event_id: str, event: Event) -> str:
    """Return the event as JSON that the service accepts; id comes first."""
    source = values.shown(event.source)
    source = source if source in EVENT_SOURCES else "worker"
    status = event.status_code if _is_status(event.status_code) else 200
    optional = ""
    if event.raw_endpoint:
        optional += f',"raw_endpoint":{_cut(event.raw_endpoint, _MAX_ENDPOINT)}'
    if event.idea_id:
        optional += f',"idea_id":{_cut(event.idea_id, 255)}'
    if event.metadata:
        metadata = values.parse_object(event.metadata)
        scalars = {values.shown(name): _scalar(value) for name, value in [*metadata.items()]}
        optional += f',"metadata":{values.encode(scalars)}'
    return (
        f'{{"id":"{event_id}","source":"{source}","endpoint":{_cut(event.endpoint, _MAX_ENDPOINT)}'
        f',"method":{_method(event.method)},"status_code":{status}'
        f',"runtime_ms":{_duration(event.runtime_ms)}{optional}}}'
    )


def _cut(value: object, length: int) -> str:
    """Return a text as JSON with at most this many characters, not blank."""
    text = value if type(value) is str else values.shown(value)
    if len(text) * 6 > length:  # what cannot be stored gets longer
        text = values.storable(text)[:length]
    return values.text(text if text.strip() else "/")


def _method(value: object) -> str:
    text = values.shown(value)
    if text.isalpha() and text.isascii() and len(text) <= 32:
        return f'"{text}"'
    return values.text(
        "".join(each for each in text if each.isalnum() and each.isascii())[:32] or "GET"
    )


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
    inner = json.loads(values.encode({"": value}))[""]
    return inner if isinstance(inner, str) else json.dumps(inner)
