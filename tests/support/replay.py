"""The rule of the projection once more, in Python, to compare the database with."""

from collections.abc import Iterable
from typing import Any

from tests.support.audio_runtime import KIND_FIELDS

FLAGS = {
    name
    for fields in KIND_FIELDS.values()
    for name, value in fields.items()
    if isinstance(value, bool)
}

# The columns of the projection that are not named like the field.
COLUMNS = {
    "phrase_id": "last_interrupt_phrase_id",
    "phrase_text": "last_interrupt_phrase_text",
    "reason_code": "last_interrupt_reason_code",
}


def replay(events: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the state of each device after its events, taken in the order of event_id."""
    states: dict[tuple[str, str], dict[str, Any]] = {}
    for event in sorted(events, key=lambda it: it["event_id"]):
        device = event["tenant_id"], event["device_id"]
        if device not in states:
            columns = {COLUMNS.get(name, name) for kind in KIND_FIELDS.values() for name in kind}
            states[device] = {
                **dict.fromkeys(columns),
                **dict.fromkeys(FLAGS, False),
                "tenant_id": device[0],
                "device_id": device[1],
                "session_id": None,
            }
        state = states[device]
        for name in KIND_FIELDS[event["event_kind"]]:
            state[COLUMNS.get(name, name)] = event.get(name)
        if event.get("session_id") is not None:
            state["session_id"] = event["session_id"]
        state["last_event_id"] = event["event_id"]
        state["updated_at"] = event["created_at"]
    return states
