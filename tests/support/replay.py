"""The rule of the projection in Python, to compare with that of the database."""

from collections.abc import Iterable
from typing import Any

FLAGS = (
    "capture_degraded",
    "aec_unstable",
    "device_changed",
    "stream_gap_detected",
    "tts_playback_active",
)

SETS = {
    "STREAM_REFS": ("processed_stream_id", "raw_stream_id", "pre_roll_buffer_id"),
    "VAD_EVENT": ("processed_stream_id",),
    "DEVICE_STATE": ("selected_mic", "selected_speaker", "device_health"),
    "TIMING_STATS": ("jitter_ms", "drift_ppm", "buffer_depth_ms", "underruns", "overruns"),
    "INTERRUPT_CANDIDATE": ("phrase_id", "phrase_text", "reason_code"),
    "DEGRADATION_FLAGS": FLAGS[:4],
    "TTS_PLAYBACK_ACTIVE": FLAGS[4:],
}

NAMES = {
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
            columns = {NAMES.get(name, name) for names in SETS.values() for name in names}
            states[device] = {
                **dict.fromkeys(columns),
                **dict.fromkeys(FLAGS, False),
                "tenant_id": device[0],
                "device_id": device[1],
                "session_id": None,
            }
        state = states[device]
        for name in SETS[event["event_kind"]]:
            state[NAMES.get(name, name)] = event.get(name)
        if event.get("session_id") is not None:
            state["session_id"] = event["session_id"]
        state["last_event_id"] = event["event_id"]
        state["updated_at"] = event["created_at"]
    return states
