"""Events of every kind to post."""

from itertools import count
from typing import Any

_numbers = count(1)

# Every field of each kind, with a value that is not the default.
KIND_FIELDS: dict[str, dict[str, Any]] = {
    "STREAM_REFS": {
        "processed_stream_id": "processed-1",
        "raw_stream_id": "raw-1",
        "pre_roll_buffer_id": 11,
    },
    "VAD_EVENT": {"processed_stream_id": "processed-2"},
    "DEVICE_STATE": {
        "selected_mic": "mic-1",
        "selected_speaker": "speaker-ü",
        "device_health": "DEGRADED",
    },
    "TIMING_STATS": {
        "jitter_ms": 1.25,
        "drift_ppm": -0.1,
        "buffer_depth_ms": 40.0,
        "underruns": 2,
        "overruns": 2**63 - 1,
    },
    "INTERRUPT_CANDIDATE": {"phrase_id": 5, "phrase_text": "stop 🛑", "reason_code": 7},
    "DEGRADATION_FLAGS": {
        "capture_degraded": True,
        "aec_unstable": False,
        "device_changed": True,
        "stream_gap_detected": False,
    },
    "TTS_PLAYBACK_ACTIVE": {"tts_playback_active": True},
}

KINDS = sorted(KIND_FIELDS)

EVENT_TYPES = {kind: f"K_{kind}_COMMIT" for kind in KINDS} | {
    "VAD_EVENT": "K_VAD_EVENT_MARKER_COMMIT"
}


def event(kind: str = "VAD_EVENT", **fields: Any) -> dict[str, Any]:
    """Return an event of device-1 with a new dedupe key, and with ``fields``."""
    number = next(_numbers)
    return {
        "tenant_id": "tenant-1",
        "device_id": "device-1",
        "event_kind": kind,
        "created_at": 1_700_000_000_000_000_000 + number,
        "idempotency_key": f"key-{number}",
        **KIND_FIELDS[kind],
        **fields,
    }
