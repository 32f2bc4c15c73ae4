"""The canonical bytes of a ledger row, and the link that its row_hash must be.

A field is 00 when it is NULL, else 01, the length of its value in four bytes, and the value: text
in UTF-8, integers as eight bytes, doubles as the eight bytes of IEEE 754, booleans as one byte;
the highest byte comes first. Fields that were added later follow at the end, in the rows that
have one of them and in no others, so that the bytes of older rows stay the same.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from struct import Struct
from typing import Any

from telemetry.audio_runtime.proof.declaration import (
    FIELDS,
    FIRST_FIELDS,
    LATER_FIELDS,
    PLACE,
    Type,
)

# The hash before the first event of a device.
FIRST_HASH = bytes(32)

NULL = b"\x00"
_BOOLEANS = {False: b"\x01\x00\x00\x00\x01\x00", True: b"\x01\x00\x00\x00\x01\x01"}
_text_head = Struct(">BI").pack
_bigint = Struct(">BIq").pack
_double = Struct(">BId").pack

# event_id, then tenant_id and device_id, which are the same in all rows of a device.
_NAMES = slice(PLACE["tenant_id"], PLACE["device_id"] + 1)
_REST = slice(PLACE["device_id"] + 1, len(FIRST_FIELDS))
_LATER = slice(len(FIRST_FIELDS), len(FIELDS))


def _encode_text(value: str) -> bytes:
    data = value.encode()
    return _text_head(1, len(data)) + data


def _encode_bigint(value: int) -> bytes:
    return _bigint(1, 8, value)


def _encode_double(value: float) -> bytes:
    return _double(1, 8, value)


ENCODERS: dict[Type, Callable[[Any], bytes]] = {
    Type.TEXT: _encode_text,
    Type.BIGINT: _encode_bigint,
    Type.DOUBLE: _encode_double,
    Type.BOOLEAN: _BOOLEANS.__getitem__,
}
_REST_ENCODERS = [ENCODERS[field.type] for field in FIELDS[_REST]]
_LATER_ENCODERS = [[ENCODERS[field.type] for field in group] for group in LATER_FIELDS]


def names_content(tenant_id: str, device_id: str) -> bytes:
    """Return the part of the canonical bytes that all rows of a device share."""
    return _encode_text(tenant_id) + _encode_text(device_id)


def content_with(names: bytes, event: tuple[Any, ...]) -> bytes:
    """Return the canonical bytes of an event, whose ``names`` are encoded already.

    Raises ValueError, TypeError, KeyError or struct.error for values that no column holds.
    """
    fields = [
        NULL if value is None else encode(value)
        for encode, value in zip(_REST_ENCODERS, event[_REST], strict=True)
    ]
    later = encode_later(_LATER_ENCODERS, event[_LATER]) if _LATER_ENCODERS else b""
    return b"".join([_encode_bigint(event[0]), names, *fields, later])


def encode_later(
    encoders: Sequence[Sequence[Callable[[Any], bytes]]], values: Sequence[Any]
) -> bytes:
    """Return the bytes of the fields that were added later, whose ``encoders`` come in groups.

    A group is left out when its values, and those of all groups after it, are None.
    """
    left, content = [*values], b""
    for group in reversed(encoders):
        own = left[len(left) - len(group) :]
        del left[len(left) - len(group) :]
        if content or any(value is not None for value in own):
            fields = [
                NULL if value is None else encode(value)
                for encode, value in zip(group, own, strict=True)
            ]
            content = b"".join(fields) + content
    return content


def content(event: tuple[Any, ...]) -> bytes:
    """Return the canonical bytes of an event. Raises what content_with raises."""
    return content_with(names_content(*event[_NAMES]), event)


def link(previous: bytes, content: bytes) -> bytes:
    """Return the row_hash of the row with the content, after the row with the hash ``previous``."""
    return sha256(previous + content).digest()
