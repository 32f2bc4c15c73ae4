"""The JSON Schemas of the audio runtime's payloads and responses, with examples."""

from typing import Any

from telemetry.audio_runtime import refusals
from telemetry.audio_runtime.finding import REBUILD_INTEGRITY
from telemetry.audio_runtime.refusals import DEVICE_UNBOUND, STATUSES, TENANT_SCOPE_MISMATCH
from telemetry.audio_runtime.schema import EVENT_SCHEMAS, KINDS, MAX_BATCH
from telemetry.openapi.fields import nullable
from telemetry.openapi.operation import JsonSchema, Reply
from telemetry.openapi.shapes import (
    COUNT,
    FLAG,
    INTEGER,
    ROW_HASH,
    TEXT,
    array,
    batch,
    batch_of,
    members,
    one_of,
    stored_field,
)

EVENT: dict[str, Any] = {
    "tenant_id": "acme",
    "device_id": "kitchen-1",
    "session_id": 7,
    "event_kind": "VAD_EVENT",
    "created_at": 1790000000000000000,
    "idempotency_key": "vad-1",
    "processed_stream_id": "stream-1",
}
# The device of the second one does not exist.
EVENTS: list[dict[str, Any]] = [
    {
        "tenant_id": "acme",
        "device_id": "kitchen-1",
        "event_kind": "TTS_PLAYBACK_ACTIVE",
        "created_at": 1790000000000000002,
        "idempotency_key": "tts-1",
        "tts_playback_active": True,
    },
    {**EVENT, "device_id": "kitchen-2"},
]
ROW_HASH_EXAMPLE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

# The columns that events fill, each by one kind or two; in a row of another kind they are null.
FIELDS = {name: stored_field(field) for fields in KINDS.values() for name, field in fields.items()}
FLAGS = [name for name, it in FIELDS.items() if it == FLAG]
PHRASE = [*KINDS["INTERRUPT_CANDIDATE"]]

NAMES = {"tenant_id": TEXT, "device_id": TEXT}

STORED_EVENT = members(
    event_id=COUNT,
    **NAMES,
    session_id=nullable(INTEGER),
    event_kind=one_of(*EVENT_SCHEMAS),
    created_at=COUNT,
    idempotency_key=TEXT,
    **{name: nullable(it) for name, it in FIELDS.items()},
    row_hash=ROW_HASH,
)
STORED_EVENT_EXAMPLE = {
    **dict.fromkeys(STORED_EVENT["properties"]),
    **EVENT,
    "event_id": 1,
    "row_hash": ROW_HASH_EXAMPLE,
}
CURRENT = members(
    **NAMES,
    session_id=nullable(INTEGER),
    **{
        f"last_interrupt_{name}" if name in PHRASE else name: it if it == FLAG else nullable(it)
        for name, it in FIELDS.items()
    },
    last_event_id=COUNT,
    updated_at=COUNT,
)
CURRENT_EXAMPLE = {
    **dict.fromkeys(CURRENT["properties"]),
    "tenant_id": "acme",
    "device_id": "kitchen-1",
    "session_id": 7,
    "processed_stream_id": "stream-1",
    **dict.fromkeys(FLAGS, False),
    "last_event_id": 1,
    "updated_at": 1790000000000000000,
}

REFUSAL = members(sometimes={"reason_code"}, detail=TEXT, reason_code=one_of(*STATUSES))


def refusal(description: str, reason: str, detail: str = "") -> Reply:
    """Return the reply of a refusal of the second event in EVENTS, unless ``detail`` is another."""
    detail = detail or refusals.detail(reason, EVENTS[1])
    return Reply(description, REFUSAL, {"detail": detail, "reason_code": reason})


UNBOUND = refusal("The device, or the session, does not exist in the tenant", DEVICE_UNBOUND)
OTHER_TENANT = refusal(
    "It is bound to another tenant",
    TENANT_SCOPE_MISMATCH,
    "Device kitchen-1 is bound to another tenant",
)
CONTRADICTION = refusal(
    "The ledger of the device contradicts itself; an operator has to look", REBUILD_INTEGRITY
)


DEVICE = members(
    status=one_of("created", "exists"), **NAMES, device_type={"type": ["string", "null"]}
)
DEVICE_EXAMPLE = {
    "status": "created",
    "device_id": "kitchen-1",
    "tenant_id": "acme",
    "device_type": "speaker",
}
SESSION = members(status=one_of("created", "exists"), session_id=COUNT, **NAMES)
SESSION_EXAMPLE = {
    "status": "created",
    "session_id": 7,
    "tenant_id": "acme",
    "device_id": "kitchen-1",
}

APPENDED = members(
    sometimes={"differs"},
    status=one_of("committed", "duplicate"),
    event_id=COUNT,
    differs=array(TEXT),
    ledger_event_type=one_of("K_RUNTIME_EVENT_COMMIT"),
    audit_event_id=COUNT,
    row_hash=ROW_HASH,
)
COMMITTED = {
    "status": "committed",
    "event_id": 1,
    "ledger_event_type": "K_RUNTIME_EVENT_COMMIT",
    "audit_event_id": 1,
    "row_hash": ROW_HASH_EXAMPLE,
}

ANY_EVENT: JsonSchema = {
    "oneOf": [
        {"allOf": [type(schema), {"properties": {"event_kind": one_of(kind)}}]}
        for kind, schema in EVENT_SCHEMAS.items()
    ]
}
BATCH = batch_of("events", ANY_EVENT, MAX_BATCH)
RESULT = members(
    sometimes={"differs"},
    index=COUNT,
    status=one_of("committed", "duplicate"),
    event_id=COUNT,
    differs=array(TEXT),
)
OF_BATCH = batch("reason_code", results=array(RESULT))
