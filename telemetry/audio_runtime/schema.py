"""The schemas of devices, sessions, events and query strings."""

from typing import Any

import msgspec
from marshmallow import fields
from msgspec import MsgspecError, Raw, Struct

from telemetry.audio_runtime.fields import StreamId
from telemetry.payloads.feed import FeedSchema
from telemetry.payloads.fields import Choice, Flag, Integer, Name, Number, Text
from telemetry.payloads.loading import PayloadSchema, StrictSchema, load
from telemetry.payloads.parsing import parse_document
from telemetry.payloads.query_string import WholeNumber

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_BATCH = 1000

HEALTHS = ("HEALTHY", "DEGRADED", "FAILED")

# Each kind's own fields; raw_stream_id alone may be left out. The ledger's CHECKs say the same.
KINDS: dict[str, dict[str, fields.Field[Any]]] = {
    "STREAM_REFS": {
        "processed_stream_id": StreamId(required=True),
        "pre_roll_buffer_id": Integer(required=True, min=0),
        "raw_stream_id": StreamId(),
    },
    "VAD_EVENT": {
        "processed_stream_id": StreamId(required=True),
    },
    "DEVICE_STATE": {
        "selected_mic": Text(required=True, min=1, max=255),
        "selected_speaker": Text(required=True, min=1, max=255),
        "device_health": Choice(HEALTHS, required=True),
    },
    "TIMING_STATS": {
        "jitter_ms": Number(required=True, min=0),
        "drift_ppm": Number(required=True),
        "buffer_depth_ms": Number(required=True, min=0),
        "underruns": Integer(required=True, min=0),
        "overruns": Integer(required=True, min=0),
    },
    "INTERRUPT_CANDIDATE": {
        "phrase_id": Integer(required=True, min=0),
        "phrase_text": Text(required=True, min=1, max=128),
        "reason_code": Integer(required=True, min=0),
    },
    "DEGRADATION_FLAGS": {
        "capture_degraded": Flag(required=True),
        "aec_unstable": Flag(required=True),
        "device_changed": Flag(required=True),
        "stream_gap_detected": Flag(required=True),
    },
    "TTS_PLAYBACK_ACTIVE": {
        "tts_playback_active": Flag(required=True),
    },
}


class TenantSchema(StrictSchema):
    """The tenant, which every body names."""

    tenant_id = Name(required=True, max=64)


class DeviceSchema(TenantSchema):
    """A device, bound to its tenant."""

    device_type = Text(min=1, max=255)


class SessionSchema(TenantSchema):
    """A session on a device of the tenant."""

    device_id = Name(required=True, max=128)


class RebuildSchema(TenantSchema):
    """The body of a rebuild: one device, or all of the tenant."""

    device_id = Name(max=128)


class EventSchema(SessionSchema):
    """The fields of every event; each kind adds its own, and may have the others as null."""

    null_only = frozenset(name for own in KINDS.values() for name in own)

    event_kind = Choice(tuple(KINDS), required=True)
    created_at = Integer(required=True, min=0)
    idempotency_key = Text(required=True, min=1, max=128)
    session_id = Integer(min=0)


class Kind(Struct):
    """The one field of an event that selects its schema."""

    event_kind: str


class PathSchema(PayloadSchema):
    """The identifiers in a path."""

    tenant_id = Name(max=64)
    device_id = Name(max=128)
    session_id = WholeNumber(min=0)


class PageSchema(PayloadSchema):
    """The query string of a list that pages by device."""

    tenant_id = Name(required=True, max=64)
    after = Name(max=128)
    limit = WholeNumber(min=1, max=MAX_LIMIT)


class TenantFeedSchema(FeedSchema):
    """The query string of the feed of a tenant."""

    tenant_id = Name(required=True, max=64)


class EventPageSchema(PayloadSchema):
    """The query string of the list of events."""

    tenant_id = Name(required=True, max=64)
    device_id = Name(max=128)
    after = WholeNumber(min=0)
    limit = WholeNumber(min=1, max=MAX_LIMIT)


# To mypy, marshmallow's from_dict makes plain Schemas, not those of the class it is called on.
EVENT_SCHEMAS: dict[str, StrictSchema] = {
    kind: EventSchema.from_dict(dict(own), name=f"{kind}Schema")()  # type: ignore[misc]
    for kind, own in KINDS.items()
}

# For what names no kind: its other problems are reported beside that one.
ANY_EVENT_SCHEMA: StrictSchema = EventSchema.from_dict(  # type: ignore[assignment]
    {name: fields.Raw() for own in KINDS.values() for name in own},
    name="AnyEventSchema",
)()

EVENT_FIELDS = [*ANY_EVENT_SCHEMA.fields]

_kind_decoder = msgspec.json.Decoder(Kind)


def load_event(document: Any, loc: tuple[str | int, ...] = ("body",)) -> dict[str, Any]:
    """Return the valid event in ``document``, which is parsed or Raw.

    Raises Invalid with every bad field at once, each located below ``loc``.
    """
    kind = None
    if isinstance(document, Raw):
        try:
            kind = _kind_decoder.decode(document).event_kind
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            document = parse_document(document, loc)
    if isinstance(document, dict):
        kind = document.get("event_kind")
    schema = EVENT_SCHEMAS.get(kind) if isinstance(kind, str) else None
    return load(schema or ANY_EVENT_SCHEMA, document, loc).values
