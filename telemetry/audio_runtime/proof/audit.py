"""The audit row that an event must have."""

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from telemetry.audio_runtime.proof.declaration import ENGINE, FIELDS, KINDS, PLACE, REASONS, Type

ENCODERS: dict[Type, Callable[[Any], str]] = {
    Type.TEXT: encode_basestring,
    Type.BIGINT: str,
    Type.BOOLEAN: {False: "false", True: "true"}.__getitem__,
}


# A key with its quotes and colon, the place of the value in an event, and its encoder.
Member = tuple[str, int, Callable[[Any], str]]


def _jsonb_order(member: Member) -> tuple[int, str]:
    """Shorter keys come first in jsonb."""
    return len(member[0]), member[0]


def _members(keys: Iterable[tuple[str, str]]) -> list[Member]:
    """Return the members with these keys, whose values are the fields of these names."""
    types = {field.name: field.type for field in FIELDS}
    members = [(f'"{key}": ', PLACE[name], ENCODERS[types[name]]) for key, name in keys]
    return sorted(members, key=_jsonb_order)


_PAYLOAD = _members((field.payload, field.name) for field in FIELDS if field.payload)
# Of the kinds whose fields are an object in the payload: its key, and its members.
_OBJECTS = {
    name: (f'"{kind.payload}": ', _members((field, field) for field in kind.fields))
    for name, kind in KINDS.items()
    if kind.payload
}
_REASONS = [(PLACE[it.field], it.applies, it.code, it.severity == "WARN") for it in REASONS]
_KIND = PLACE["event_kind"]


def payload(event: tuple[Any, ...]) -> str:
    """Return ``payload_min`` as PostgreSQL prints it. Raises KeyError or TypeError."""
    parts = _texts(event, _PAYLOAD)
    if event[_KIND] in _OBJECTS:
        key, members = _OBJECTS[event[_KIND]]
        parts.append(f"{key}{{{', '.join(_texts(event, members))}}}")
        parts.sort(key=_key_order)
    return f"{{{', '.join(parts)}}}"


def _texts(event: tuple[Any, ...], members: list[Member]) -> list[str]:
    return [
        key + encode(value) for key, place, encode in members if (value := event[place]) is not None
    ]


def _key_order(text: str) -> tuple[int, str]:
    """Return the order in jsonb of a member that is encoded, whose key holds no colon."""
    key = text[: text.index(":")]
    return len(key), key


def audit_row(event: tuple[Any, ...]) -> tuple[str, str, list[str], str, str]:
    """Return engine, event_type, reason_codes, severity and payload_min. Raises as payload does."""
    kind = event[_KIND]
    codes = []
    severity = "INFO"
    for place, applies, code, alarms in _REASONS:
        value = event[place]
        if value is not None and applies(value):
            codes.append(code)
            if alarms:
                severity = "WARN"
    event_type = KINDS[kind].event_type if kind in KINDS else f"K_{kind}_COMMIT"
    return ENGINE, event_type, codes, severity, payload(event)


def matches(event: tuple[Any, ...], stored: tuple[Any, ...]) -> bool:
    """Return whether the stored audit row, in the order of AUDIT_COLUMNS, is the event's."""
    due = audit_row(event)
    # Almost always the texts of the payloads are equal, and then the values are.
    return stored[1:] == due or (stored[1:5] == due[:4] and _same_json(stored[5], due[4]))


def _same_json(one: str, other: str) -> bool:
    """Return whether two texts are equal as jsonb, to which 1.0 is 1, and true is not."""
    try:
        return bool(_parsed(one) == _parsed(other))
    except (ValueError, RecursionError):
        return False


def _parsed(text: str) -> Any:
    return json.loads(text, parse_int=_number, parse_float=_number)


def _number(digits: str) -> tuple[str, Decimal]:
    return "number", Decimal(digits)
