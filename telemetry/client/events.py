"""Making the record of a runtime event."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

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


def event_record(event_id: str, event: Event, mistake: Callable[..., None]) -> str:
    """Return the event as JSON that the service accepts; id comes first.

    ``mistake`` is called with a name, a message and its arguments for each value that it replaces.
    """
    source = values.shown(event.source)
    if source not in EVENT_SOURCES:
        mistake("source", "%.100r is no source of events: worker is used", source)
        source = "worker"
    status = event.status_code
    if not _is_status(status):
        mistake("status_code", "%.100r is no status code from 100 to 599: 200 is used", status)
        status = 200
    runtime_ms = _duration(event.runtime_ms)
    if runtime_ms is None:
        mistake("runtime_ms", "%.100r is no duration in ms: 0 is used", event.runtime_ms)
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
        f',"runtime_ms":{runtime_ms or _SHORTEST_MS}{optional}}}'
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


def _duration(value: object) -> float | None:
    """Return the duration as the service accepts it; None when the value cannot be one."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return max(number, _SHORTEST_MS) if math.isfinite(number) and number >= 0 else None


def _scalar(value: Any) -> Any:
    """Return the value if it is a scalar, else its JSON as text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    inner = json.loads(values.encode({"": value}))[""]
    return inner if isinstance(inner, str) else json.dumps(inner)
