"""The one declaration of ledger fields and event kinds from which the proof derives its rules.

To add an event kind: append a group with its fields to ``LATER_FIELDS`` and the kind to ``KINDS``,
and its reason codes, if it has any, to ``REASONS``.
"""

from collections.abc import Callable
from enum import Enum
from itertools import chain
from typing import Any, NamedTuple


class Type(Enum):
    """The type of a ledger column."""

    BIGINT = "bigint"
    TEXT = "text"
    DOUBLE = "double precision"
    BOOLEAN = "boolean"


class Field(NamedTuple):
    """A ledger column. ``payload`` is its key in an audit row, None: not in there."""

    name: str
    type: Type
    payload: str | None = None
    # The name in the projection, where it is another one.
    current: str | None = None


class Kind(NamedTuple):
    """An event kind: the fields that it sets, and the event type of its audit row.

    With ``payload`` the audit row has the fields as members of an object with that key.
    """

    event_type: str
    fields: tuple[str, ...]
    payload: str | None = None


class Reason(NamedTuple):
    """A reason code of audit rows: given when ``field`` has a value that ``applies``."""

    code: str
    field: str
    applies: Callable[[Any], bool]
    severity: str = "WARN"


# Fields that every kind has, in the order of the columns.
COMMON: tuple[Field, ...] = (
    Field("event_id", Type.BIGINT),
    Field("tenant_id", Type.TEXT, payload="tenant_id"),
    Field("device_id", Type.TEXT, payload="device_id"),
    Field("session_id", Type.BIGINT, payload="session_id"),
    Field("event_kind", Type.TEXT, payload="event_kind"),
    Field("created_at", Type.BIGINT),
    Field("idempotency_key", Type.TEXT),
)

# The fields of the first release, in the order of the columns and of the canonical bytes.
FIRST_FIELDS: tuple[Field, ...] = (
    *COMMON,
    Field("processed_stream_id", Type.TEXT, payload="processed_stream_id"),
    Field("raw_stream_id", Type.TEXT),
    Field("pre_roll_buffer_id", Type.BIGINT, payload="pre_roll_buffer_id"),
    Field("selected_mic", Type.TEXT),
    Field("selected_speaker", Type.TEXT),
    Field("device_health", Type.TEXT, payload="device_health"),
    Field("jitter_ms", Type.DOUBLE),
    Field("drift_ppm", Type.DOUBLE),
    Field("buffer_depth_ms", Type.DOUBLE),
    Field("underruns", Type.BIGINT),
    Field("overruns", Type.BIGINT),
    Field("phrase_id", Type.BIGINT, "interrupt_phrase_id", "last_interrupt_phrase_id"),
    Field("phrase_text", Type.TEXT, "interrupt_phrase_text", "last_interrupt_phrase_text"),
    Field("reason_code", Type.BIGINT, current="last_interrupt_reason_code"),
    Field("capture_degraded", Type.BOOLEAN),
    Field("aec_unstable", Type.BOOLEAN),
    Field("device_changed", Type.BOOLEAN),
    Field("stream_gap_detected", Type.BOOLEAN),
    Field("tts_playback_active", Type.BOOLEAN, payload="tts_playback_active"),
)

# Fields that were added later, in groups: one per event kind. The canonical bytes of a group follow
# those of FIRST_FIELDS, but only in rows that have a field of the group, or of a group after it.
LATER_FIELDS: tuple[tuple[Field, ...], ...] = ()

# All fields, in the order of the canonical bytes.
FIELDS = (*FIRST_FIELDS, *chain.from_iterable(LATER_FIELDS))

KINDS = {
    "STREAM_REFS": Kind(
        "K_STREAM_REFS_COMMIT", ("processed_stream_id", "raw_stream_id", "pre_roll_buffer_id")
    ),
    "VAD_EVENT": Kind("K_VAD_EVENT_MARKER_COMMIT", ("processed_stream_id",)),
    "DEVICE_STATE": Kind(
        "K_DEVICE_STATE_COMMIT", ("selected_mic", "selected_speaker", "device_health")
    ),
    "TIMING_STATS": Kind(
        "K_TIMING_STATS_COMMIT",
        ("jitter_ms", "drift_ppm", "buffer_depth_ms", "underruns", "overruns"),
    ),
    "INTERRUPT_CANDIDATE": Kind(
        "K_INTERRUPT_CANDIDATE_COMMIT", ("phrase_id", "phrase_text", "reason_code")
    ),
    "DEGRADATION_FLAGS": Kind(
        "K_DEGRADATION_FLAGS_COMMIT",
        ("capture_degraded", "aec_unstable", "device_changed", "stream_gap_detected"),
        payload="degradation_flags",
    ),
    "TTS_PLAYBACK_ACTIVE": Kind("K_TTS_PLAYBACK_ACTIVE_COMMIT", ("tts_playback_active",)),
}

# In the order in which an audit row lists them.
REASONS = (
    Reason(
        "K_INTERRUPT_CANDIDATE_EMITTED", "event_kind", "INTERRUPT_CANDIDATE".__eq__, severity="INFO"
    ),
    Reason("K_STREAM_GAP_DETECTED", "stream_gap_detected", bool),
    Reason("K_AEC_UNSTABLE", "aec_unstable", bool),
    Reason("K_DEVICE_FAILOVER", "device_changed", bool),
    Reason("K_DEVICE_UNHEALTHY", "device_health", "HEALTHY".__ne__),
)

ENGINE = "PH1.K"

# The shape of what the proof reads. Each row is a tuple in the order of these columns.
EVENT_COLUMNS = (*(field.name for field in FIELDS), "row_hash")
AUDIT_COLUMNS = (
    "source_event_id",
    "engine",
    "event_type",
    "reason_codes",
    "severity",
    "payload_min",
)
CURRENT_COLUMNS = (
    "tenant_id",
    "device_id",
    "session_id",
    *(field.current or field.name for field in FIELDS[len(COMMON) :]),
    "last_event_id",
    "updated_at",
)

# Where in an event's tuple a column is.
PLACE = {name: place for place, name in enumerate(EVENT_COLUMNS)}
