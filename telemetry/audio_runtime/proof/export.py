"""Exports of the ledger: JSON Lines that the proof reads instead of a database.

Each device is a line, then each of its events beside its audit row, in the order of ``event_id``;
devices come in the order of ``tenant_id`` and ``device_id``, and the last line counts them::

    {"tenant_id", "device_id", "bound_to", "head": {"event_id", "row_hash"}, "current": {…}}
    {"event": {…, "row_hash"}, "session_known": true, "audit_row": {…, "payload_min"}}
    {"devices": 1}

``bound_to`` is the tenant in the table of devices; ``session_known`` says that the event has no
session, or one of its tenant. A row that the database does not have is null. Columns have their
names, of an event only those with a value; hashes are in hex, and ``payload_min`` is text as
PostgreSQL prints it.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from telemetry.audio_runtime.proof.declaration import (
    AUDIT_COLUMNS,
    CURRENT_COLUMNS,
    EVENT_COLUMNS,
    FIELDS,
    Type,
)
from telemetry.audio_runtime.proof.device import Device, Link, StoredHead


class BadExport(Exception):
    """The lines are no export, or not all of one; the message is one line."""


def device_line(device: Device) -> str:
    """Return the line of a device."""
    head, current = device.head, device.current
    return _line(
        {
            "tenant_id": device.tenant_id,
            "device_id": device.device_id,
            "bound_to": device.bound_to,
            "head": head and {"event_id": head.event_id, "row_hash": head.row_hash.hex()},
            "current": current and dict(zip(CURRENT_COLUMNS, current, strict=True)),
        }
    )


def link_line(link: Link) -> str:
    """Return the line of an event beside its audit row."""
    event, session_known, audit_row = link
    fields = event and zip(EVENT_COLUMNS, [*event[:-1], event[-1].hex()], strict=True)
    return _line(
        {
            "event": fields and {name: value for name, value in fields if value is not None},
            "session_known": session_known,
            "audit_row": audit_row and dict(zip(AUDIT_COLUMNS, audit_row, strict=True)),
        }
    )


def last_line(devices: int) -> str:
    """Return the last line, without which an export is not complete."""
    return _line({"devices": devices})


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"


def read_export(lines: Iterable[str]) -> Iterator[tuple[Device, Iterator[Link]]]:
    """Yield each device with its links, which are to be read before the next device.

    Raises BadExport, which names the line.
    """
    reader = _Reader(lines)
    count = 0
    before = ("", "")
    while (device := reader.device()) is not None:
        if device[:2] <= before:
            raise BadExport(f"line {reader.number}: the device is not after the one before")
        before = device[:2]
        yield device, reader.links(device)
        for _ in reader.links(device):  # what the caller left
            pass
        count += 1
    reader.end(count)


class _Reader:
    """Reads a line ahead."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0
        self._read()

    def _read(self) -> None:
        self.number += 1
        self._document: Any = None
        try:
            if (line := next(self._lines, None)) is not None:
                self._document = json.loads(line)
        except (ValueError, RecursionError) as error:  # no UTF-8, or nested too deep
            raise BadExport(f"line {self.number}: no JSON: {error}") from error

    def _has(self, key: str) -> bool:
        return isinstance(self._document, dict) and key in self._document

    def device(self) -> Device | None:
        """Read a device; return None where there is no other."""
        if not self._has("tenant_id"):
            return None
        try:
            device = _device(self._document)
        except (KeyError, TypeError, ValueError) as error:
            raise BadExport(f"line {self.number}: no device: {error!r}") from error
        self._read()
        return device

    def links(self, device: Device) -> Iterator[Link]:
        """Read the links that follow, which are all of the device."""
        while self._has("event"):
            try:
                link = _link(self._document, device)
            except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
                raise BadExport(f"line {self.number}: no event: {error!r}") from error
            yield link
            self._read()

    def end(self, devices: int) -> None:
        """Read the last line, which counts the devices."""
        if not self._has("devices"):
            raise BadExport(f"line {self.number}: the last line is missing: not all is here")
        if self._document["devices"] != devices:
            raise BadExport(f"line {self.number}: there are {devices} devices")


def _device(document: dict[str, Any]) -> Device:
    names = document["tenant_id"], document["device_id"]
    head, current = document["head"], document["current"]
    if not all(isinstance(name, str) for name in names):
        raise TypeError("tenant_id and device_id are strings")
    return Device(
        *names,
        document["bound_to"],
        None if head is None else StoredHead(head["event_id"], bytes.fromhex(head["row_hash"])),
        None if current is None else tuple(current[column] for column in CURRENT_COLUMNS),
    )


def _link(document: dict[str, Any], device: Device) -> Link:
    event, audit_row = document["event"], document["audit_row"]
    if event is None and audit_row is None:
        raise ValueError("neither an event nor an audit row")
    if event is not None and (event["tenant_id"], event["device_id"]) != device[:2]:
        raise ValueError("the event is of another device")
    return Link(
        None
        if event is None
        else (
            *[typed(event.get(field.name), field.type, field.name) for field in FIELDS],
            bytes.fromhex(event["row_hash"]),
        ),
        bool(document["session_known"]),
        None if audit_row is None else tuple(audit_row[column] for column in AUDIT_COLUMNS),
    )


_PYTHON_TYPES: dict[Type, tuple[type, ...]] = {
    Type.BIGINT: (int,),
    Type.TEXT: (str,),
    Type.DOUBLE: (float, int),
    Type.BOOLEAN: (bool,),
}


def typed(value: Any, type_: Type, name: str) -> Any:
    """Return the value of a column as it was stored. Raises TypeError for one that it can't be."""
    if value is None:
        return None
    out_of_range = type_ is Type.BIGINT and not -(2**63) <= value < 2**63
    if type(value) not in _PYTHON_TYPES[type_] or out_of_range:
        raise TypeError(f"{name} is a {type_.value}")
    return float(value) if type_ is Type.DOUBLE else value
